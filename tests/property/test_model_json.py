"""Every noun of the journal as JSON and back, strictly."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anlan.formats.values import from_json, to_json, to_plain
from anlan.model.entry import NOUNS
from anlan.model.errors import InvalidValue, Unreadable
from anlan.model.observation import Observation
from anlan.model.time import format_duration, format_instant, parse_duration, parse_instant

instants = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1 < moment.year < 9999)
WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("Finding", "change"): ("raised", "lowered", "ended", "unknown", "known"),
    ("Finding", "state"): ("known", "unknown"),
    ("Assessment", "status"): ("automatic", "reviewed", "final"),
    ("Assessment", "verdict"): ("open", "confirmed", "dismissed", "merged", "split", "closed"),
    ("Assessment", "state"): ("known", "unknown"),
    ("Warning", "change"): ("alert", "update", "cancel"),
    ("Warning", "status"): ("draft", "submitted", "returned", "approved", "superseded", "expired"),
    ("Warning", "mode"): ("Actual", "Exercise", "Test"),
    ("Warning", "scope"): ("Public", "Restricted"),
    ("Warning", "purpose"): ("", "raise", "correct", "all_clear"),
    ("Warning", "proof"): ("", "code", "recovery", "scripted"),
    ("Delivery", "status"): ("held", "due", "accepted", "delivered", "read", "failed", "given_up", "expired"),
    ("Mailing", "status"): ("due", "accepted"),
    ("Shift", "status"): ("planned", "ended", "removed"),
    ("WatchState", "status"): ("manned", "untested", "unreachable", "gap"),
    ("Incident", "status"): ("open", "stood_down"),
    ("Task", "status"): ("open", "done", "overdue", "cancelled"),
    ("Report", "status"): ("owed", "filed", "late", "dropped"),
    ("Review", "outcome"): ("hit", "false_alarm", "miss", "unknown"),
    ("Lesson", "status"): ("open", "done"),
    ("SourceState", "status"): ("fresh", "late", "dead", "failing", "never", "ended"),
    ("Group", "outcome"): ("told", "held", "not_told"),
    ("Digest", "status"): ("open", "sent"),
    ("Silence", "status"): ("planned", "set", "ended", "lifted"),
    ("Silence", "reason"): ("a test", "试验"),
    ("Mute", "kind"): ("inhibit", "silence"),
    ("Mute", "status"): ("on", "off"),
    ("Relayed", "signature"): ("unsigned", "authenticated", "broken"),
    ("RelayedArea", "by"): ("geocode", "polygon", "unresolved"),
    ("Reason", "code"): ("first", "no_power"),
    ("Observation", "unit"): ("m", "{case}"),
}
BASIC: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(max_size=12),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: instants,
    date: st.dates(),
    timedelta: st.timedeltas(timedelta(days=-4000), timedelta(days=4000)),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type of the model."""
    if kind in BASIC:
        return BASIC[kind]
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return nouns(kind)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(st.none() if arg is type(None) else values(arg) for arg in args))
    if origin is tuple and args[-1] is not Ellipsis:
        return st.tuples(*(values(arg) for arg in args))
    assert origin is tuple and args[1] is Ellipsis, kind
    unique = args[0] is str
    return st.lists(values(args[0]), max_size=3, unique=unique).map(tuple)


def nouns(kind: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field in dataclasses.fields(kind):
        strategy = values(hints[field.name])
        if (kind.__name__, field.name) in WORDS:
            strategy = st.sampled_from(WORDS[kind.__name__, field.name])
        elif field.name in ("level", "highest", "judged"):
            strategy = st.sampled_from([1, 2, 3, 4])
        elif kind.__name__ == "Text":
            strategy = st.text("ab字 ", min_size=1).filter(lambda text: bool(text.strip()))
        elif field.name == "lon":
            strategy = st.floats(-180, 180)
        elif field.name == "lat":
            strategy = st.floats(-90, 90)
        elif (kind.__name__, field.name) in (("Warning", "places"), ("Silence", "places")):
            strategy = st.lists(st.text(max_size=5), min_size=1, max_size=3).map(tuple)
        fields[field.name] = strategy

    def build(given: dict[str, Any]) -> Any:
        assume(kind.__name__ != "Warning" or not given["approver"] or given["approver"] != given["author"])
        assume(kind.__name__ != "Silence" or given["begins"] < given["ends"])
        if kind.__name__ == "RelayedArea":
            given["places"] = () if given["by"] == "unresolved" else (given["places"] or ("x",))
        assume(kind.__name__ != "Shift" or given["begins"] < given["ends"])
        if kind.__name__ == "Mailing":
            given["recipients"] = given["ids"]
        return kind(**given)

    return st.fixed_dictionaries(fields).map(build)


@pytest.mark.parametrize("kind", [*NOUNS.values(), Observation], ids=lambda kind: kind.__name__)
def test_a_value_written_and_read_is_the_same_value_and_the_same_bytes(kind: type) -> None:
    @given(nouns(kind))
    @settings(max_examples=40, deadline=None)
    def check(value: Any) -> None:
        raw = to_json(value)
        again = from_json(kind, raw)
        assert again == value
        assert to_json(again) == raw
        assert json.loads(raw) == to_plain(value)

    check()


@pytest.mark.parametrize("kind", [*NOUNS.values(), Observation], ids=lambda kind: kind.__name__)
def test_reading_refuses_what_is_not_exactly_the_noun_and_names_the_place(kind: type) -> None:
    @given(nouns(kind), st.data())
    @settings(max_examples=30, deadline=None)
    def check(value: Any, data: st.DataObject) -> None:
        plain = to_plain(value)
        hints = typing.get_type_hints(kind)
        name = data.draw(st.sampled_from([f.name for f in dataclasses.fields(kind)]))
        broken = dict(plain)
        if name in broken and isinstance(plain[name], str) and hints[name] in (datetime, datetime | None):
            broken[name] = plain[name].removesuffix("Z")
        elif isinstance(plain[name], int | float):
            broken[name] = str(plain[name])
        elif isinstance(plain[name], str):
            broken[name] = 7
        elif plain[name] is None or isinstance(plain[name], list | dict):
            broken[name] = True
        with pytest.raises(Unreadable, match=rf"{name}\b"):
            from_json(kind, json.dumps(broken))
        with pytest.raises(Unreadable, match="surplus"):
            from_json(kind, json.dumps({**plain, "surplus": 1}))

    check()


def test_numbers_that_are_none_are_refused_with_their_path() -> None:
    @given(nouns(NOUNS["finding"]), st.sampled_from(["value", "expected", "threshold", "score", "p_value"]))
    @settings(max_examples=30, deadline=None)
    def check(value: Any, name: str) -> None:
        for number in ("NaN", "Infinity", "-Infinity"):
            raw = json.dumps({**to_plain(value), name: "HERE"}).replace('"HERE"', number)
            with pytest.raises(Unreadable, match=name):
                from_json(NOUNS["finding"], raw)

    check()


@given(instants, st.integers(-12 * 60, 14 * 60))
def test_an_instant_reads_back_whatever_offset_it_was_written_with(instant: datetime, offset: int) -> None:
    assert parse_instant(format_instant(instant)) == instant
    assert parse_instant(instant.astimezone(timezone(timedelta(minutes=offset))).isoformat()) == instant


@given(st.integers(0, 10**9))
def test_a_duration_reads_back(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration
    assert format_duration(-duration) in ("-" + format_duration(duration), "PT0S")


@given(st.text(max_size=20))
def test_what_is_no_instant_and_no_duration_is_an_invalid_value_and_nothing_else(text: str) -> None:
    for parse in (parse_instant, parse_duration):
        try:
            parse(text, "field")
        except InvalidValue as error:
            assert error.where == "field"
