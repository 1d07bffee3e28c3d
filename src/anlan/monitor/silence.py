"""Indicators that fall silent while their source goes on.

A feed that answers on every poll, and brings everything but one indicator, is fresh; what that indicator
measures is unknown all the same. An indicator is silent when no later period of it has come for as long
as its source may be quiet, and for two of its own periods at least: a revision of an old period, or the
old table read once more, is no news of the present. Single events are never silent: nothing happening is
the usual case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from anlan.model.indicator import Indicator, SourceDef
from anlan.model.observation import Observation
from anlan.model.reason import Reason
from anlan.model.sourcestate import Heard, SourceState
from anlan.model.text import Text
from anlan.model.time import format_instant


def hear(state: SourceState, observations: Iterable[Observation], now: datetime) -> SourceState:
    """The state with the newest period of every indicator that came, and since when it is known."""
    newest: dict[str, datetime] = {}
    for one in observations:
        newest[one.indicator] = max(one.at, newest.get(one.indicator, one.at))
    heard = {one.indicator: one for one in state.heard}
    for indicator, at in newest.items():
        if indicator not in heard or at > heard[indicator].at:
            heard[indicator] = Heard(indicator, at, now)
    return replace(state, heard=tuple(heard[indicator] for indicator in sorted(heard)))


def listen(
    definition: SourceDef,
    state: SourceState,
    indicators: Mapping[str, Indicator],
    now: datetime,
    among: Collection[str] | None = None,
) -> SourceState:
    """The state with the indicators that are silent at `now` (of those `among` only), and the reason
    where there are any."""
    silent = tuple(
        one.indicator
        for one in state.heard
        if (among is None or one.indicator in among)
        and (limit := patience(definition, indicators.get(one.indicator))) is not None
        and now - one.since > limit
    )
    others = tuple(reason for reason in state.reasons if reason.code != "indicator_silent")
    said = tuple(_reason(indicators[one.indicator], one) for one in state.heard if one.indicator in silent)
    return replace(state, silent=silent, reasons=(*others, *said))


def next_silence(
    definition: SourceDef, state: SourceState, indicators: Mapping[str, Indicator]
) -> datetime | None:
    """The next instant at which an indicator falls silent if nothing comes; None when none does."""
    moments = [
        one.since + limit + timedelta(microseconds=1)
        for one in state.heard
        if one.indicator not in state.silent
        and (limit := patience(definition, indicators.get(one.indicator))) is not None
    ]
    return min(moments, default=None)


def patience(definition: SourceDef, indicator: Indicator | None) -> timedelta | None:
    """How long an indicator of the source may bring no later period; None where it never falls silent."""
    if indicator is None or indicator.frequency is None or indicator.kind == "event":
        return None
    return max(definition.stale_after, 2 * indicator.frequency)


def _reason(indicator: Indicator, heard: Heard) -> Reason:
    newest = format_instant(heard.at)
    return Reason(
        "indicator_silent",
        Text(
            f"{indicator.title.en}: no later period than {newest} has come, while the source goes on",
            f"{indicator.title.zh}：来源仍在更新，但 {newest} 之后再无新数据",
        ),
    )
