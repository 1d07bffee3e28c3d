"""On what a finding rests: how surprising, how sure, what is missing, how its rule did on history."""

from __future__ import annotations

import math
from datetime import timedelta

from anlan.assess.detect.panel import Reason
from anlan.assess.detect.reason_words import reason_words
from anlan.assess.detect.registry import specs
from anlan.assess.graded import Numbers
from anlan.model.indicator import Indicator, Record, Rule
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.model.time import MONTH

#: changes of level that need grounds
SPEAKING = ("raised", "lowered")

PERIODS = {
    timedelta(hours=1): Text("hours", "小时"),
    timedelta(days=1): Text("days", "天"),
    timedelta(days=7): Text("weeks", "周"),
    MONTH: Text("months", "个月"),
}
#: rarer than this is not to be taken at its word: no model is that exact
RAREST = 1_000_000


def grounds(pack: Pack, rule: Rule, indicator: Indicator, numbers: Numbers) -> tuple[Text, ...]:
    """The sentences, in this order; what there is nothing to say of is left out, the record never."""
    said = [
        _surprise(_unit(rule, indicator), numbers.p_value),
        _side_by_side(numbers),
        _method(rule),
        _votes(rule, numbers.score),
        _sureness(numbers.reason),
        _missing(indicator, numbers),
        _record(pack.record_of(rule)),
    ]
    return tuple(one for one in said if one is not None)


def _periods(indicator: Indicator) -> Text:
    return PERIODS.get(indicator.frequency or timedelta(0), Text("periods", "期"))


def _unit(rule: Rule, indicator: Indicator) -> Text:
    """What a p-value counts in: periods, or years where it is of a year's highest value."""
    one = specs().get(rule.detector)
    return Text("years", "年") if one is not None and one.yearly else _periods(indicator)


def _method(rule: Rule) -> Text | None:
    one = specs().get(rule.detector)
    return None if one is None or one.words is None else one.words(one.complete({**one.live, **rule.params}))


def _surprise(unit: Text, p: float) -> Text | None:
    if math.isnan(p):
        return None
    if p * RAREST < 1:
        return Text(
            f"By chance alone a value like this comes less than once in a million {unit.en}.",
            f"仅凭偶然，这样的数值在一百万{unit.zh}中出现不到一次。",
        )
    if p > 0.5:
        return None
    once = round(1 / p) if p < 0.1 else round(1 / p, 1)
    return Text(
        f"By chance alone a value like this comes about once in {once:,} {unit.en}.",
        f"仅凭偶然，这样的数值约每 {once:,} {unit.zh}出现一次。",
    )


def _side_by_side(numbers: Numbers) -> Text | None:
    """How much of the surprise is left where many places are tested at the same time."""
    if math.isnan(numbers.q_value):
        return None
    return Text(
        f"{numbers.tested:,} places of this level were tested at the same time: of those at least as "
        f"surprising, a share of at most {numbers.q_value:.2g} is expected to be chance.",
        f"同级 {numbers.tested:,} 个地点同时检测：在同样或更出人意料者中，出于偶然的比例预计不超过 "
        f"{numbers.q_value:.2g}。",
    )


def _votes(rule: Rule, score: float) -> Text | None:
    """How the detectors of an ensemble voted, or how far their evidence goes."""
    if rule.detector != "ensemble" or math.isnan(score):
        return None
    params = specs()["ensemble"].complete(rule.params)
    names = [one if isinstance(one, str) else str(one.get("detector")) for one in params["members"]]
    weights = params["weights"] or [1.0] * len(names)
    if params["rule"] == "vote":
        of = ", ".join(names)
        if len(set(weights)) > 1:
            of = ", ".join(f"{name} ({weight:g})" for name, weight in zip(names, weights, strict=True))
        return Text(
            f"Of the methods {of} those with {score:.0%} of the votes raise the alarm; "
            f"{params['quorum']:.0%} are needed.",
            f"方法 {of} 中，占 {score:.0%} 票数者报警；需达到 {params['quorum']:.0%}。",
        )
    of = ", ".join(f"{name} ({weight:.2g})" for name, weight in zip(names, weights, strict=True))
    odds = f"{math.exp(min(score, 700.0)):.3g}"
    return Text(
        f"The evidence of {of}, in these weights, gives odds {odds} times those at which there is an alarm.",
        f"{of} 的证据按括号内权重合并，其几率为报警界限的 {odds} 倍。",
    )


def _sureness(reason: int) -> Text | None:
    if reason == Reason.OK:
        return None
    words = reason_words(reason)
    return Text(f"How sure: {words.en}.", f"可靠程度：{words.zh}。")


def _missing(indicator: Indicator, numbers: Numbers) -> Text | None:
    if not numbers.missing:
        return None
    unit = _periods(indicator)
    return Text(
        f"Of the {numbers.history:,} {unit.en} of history it rests on, {numbers.missing:,} are unknown.",
        f"所依据的 {numbers.history:,} {unit.zh}历史数据中，{numbers.missing:,} {unit.zh}未知。",
    )


def _record(record: Record | None) -> Text:
    if record is None:
        return Text(
            "This rule, as it stands, has not been run on history.",
            "本规则的现行版本尚未经历史数据检验。",
        )
    events = record.hits + record.misses
    lead = "" if record.lead_days is None else f", median lead {record.lead_days:g} days"
    lead_zh = "" if record.lead_days is None else f"，提前量中位数 {record.lead_days:g} 天"
    return Text(
        f"On history ({record.since} to {record.until}) this rule found {record.hits} of {events} events "
        f"with {record.false_alarms} false alarms{lead}.",
        f"历史检验（{record.since} 至 {record.until}）：{events} 起事件中发现 {record.hits} 起，"
        f"误报 {record.false_alarms} 次{lead_zh}。",
    )
