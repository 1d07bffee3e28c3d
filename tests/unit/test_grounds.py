"""A finding says how surprising it is, how sure, what is missing, and how its rule did on history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from anlan.assess.detect.panel import Reason
from anlan.assess.graded import Numbers
from anlan.assess.grounds import grounds
from anlan.model.indicator import Record
from chain_pack import GAUGE, chain_pack

NAN = float("nan")


def numbers(p: float = NAN, reason: int = 0, history: int = 0, missing: int = 0) -> Numbers:
    return Numbers(9.0, 4.0, 7.0, 1.5, p, 1, reason, history, missing)


def english(found: Numbers, **changes: object) -> list[str]:
    pack = chain_pack()
    weekly = replace(pack.indicators["stage"], frequency=timedelta(days=7))
    if record := changes.get("record"):
        pack = replace(pack, records={GAUGE.id: record})
    said = grounds(pack, GAUGE, weekly, found)
    assert all(text.zh for text in said)
    return [text.en for text in said]


def test_the_surprise_is_said_in_periods_that_people_know() -> None:
    assert english(numbers(p=0.002))[0] == "By chance alone a value like this comes about once in 500 weeks."
    assert "less than once in a million weeks" in english(numbers(p=1e-9))[0]
    assert english(numbers(p=0.9)) == english(numbers())


def test_a_weak_footing_is_named() -> None:
    said = english(numbers(reason=Reason.SHORT_MEMORY))
    assert said[0] == "How sure: too few years for seasons: the answer rests on the last periods alone."


def test_holes_in_the_history_are_counted() -> None:
    assert english(numbers(history=312, missing=4))[0] == (
        "Of the 312 weeks of history it rests on, 4 are unknown."
    )


def test_the_record_belongs_to_the_rule_as_it_stands() -> None:
    record = Record(
        GAUGE.id,
        GAUGE.fingerprint,
        date(2004, 1, 1),
        date(2012, 12, 31),
        3,
        1,
        5,
        0.01,
        date(2026, 1, 1),
        2.5,
    )
    assert english(numbers(), record=record) == [
        "On history (2004-01-01 to 2012-12-31) this rule found 3 of 4 events with 5 false alarms, "
        "median lead 2.5 days."
    ]
    other = replace(record, fingerprint="0" * 16)
    assert english(numbers(), record=other) == ["This rule, as it stands, has not been run on history."]


def test_the_fingerprint_changes_with_what_decides_and_not_with_words() -> None:
    assert replace(GAUGE, say=GAUGE.title).fingerprint == GAUGE.fingerprint
    assert replace(GAUGE, keep=GAUGE.keep * 2).fingerprint != GAUGE.fingerprint
    assert replace(GAUGE, params={"limit": 3.5}).fingerprint != GAUGE.fingerprint


def test_a_return_level_says_which_law_and_counts_its_surprise_in_years() -> None:
    pack = chain_pack()
    rule = replace(GAUGE, detector="return_level", params={"return_period": 20.0, "fit": "mle"})
    first, second, *_ = grounds(pack, rule, pack.indicators["stage"], numbers(p=0.04))
    assert first.en == "By chance alone a value like this comes about once in 25 years."
    assert second.en == (
        "The threshold is the level of 20 years by the generalised Pareto law of peaks, fitted by maximum "
        "likelihood to up to 30 years before."
    )
    assert "最大似然法" in second.zh and "25 年" in first.zh


def test_of_several_methods_it_is_said_how_they_voted_or_how_far_their_evidence_goes() -> None:
    pack = chain_pack()
    weekly = replace(pack.indicators["stage"], frequency=timedelta(days=7))

    def said(score: float, **params: object) -> list[str]:
        rule = replace(GAUGE, detector="ensemble", params={"members": ["ears_c1", "ears_c2"], **params})
        texts = grounds(pack, rule, weekly, replace(numbers(), score=score))
        assert all("ears_c1" in text.zh for text in texts if "ears_c1" in text.en)
        return [text.en for text in texts]

    assert said(0.5, quorum=0.4)[0] == (
        "Of the methods ears_c1, ears_c2 those with 50% of the votes raise the alarm; 40% are needed."
    )
    assert "ears_c1 (1), ears_c2 (3) those with 75%" in said(0.75, weights=[1.0, 3.0])[0]
    assert said(0.693147, rule="stack", weights=[0.4, 1.9], cut=-1.0)[0] == (
        "The evidence of ears_c1 (0.4), ears_c2 (1.9), in these weights, gives odds 2 times those at which "
        "there is an alarm."
    )
    assert not any("ears_c1" in one for one in said(NAN))
