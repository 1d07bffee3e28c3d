"""What cannot be built at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from anlan.model.assessment import Assessment
from anlan.model.entry import Draft, Entry, Marker
from anlan.model.errors import InvalidValue, UnknownPlace, WrongUnit
from anlan.model.incident import Report, Task
from anlan.model.indicator import Band
from anlan.model.observation import Observation
from anlan.model.place import Place, Point
from anlan.model.provenance import Provenance
from anlan.model.quantity import Quantity, convert
from anlan.model.review import Lesson
from anlan.model.state import State, fold
from anlan.model.text import Text
from anlan.model.time import Interval, Validity, parse_duration, parse_instant
from anlan.model.user import Grant
from anlan.model.warning import Delivery
from chain_pack import DAY, T0, chain_pack, finding

NAIVE = datetime(2020, 6, 1)  # noqa: DTZ001
EAST = datetime(2020, 6, 1, tzinfo=timezone(timedelta(hours=8)))
WORD = Text("w", "字")
SEEN = Observation("stage", "x", T0, T0, 1.0, "m", Provenance("s", "r"))
TASK = Task("T", "I", "R", "p", WORD, "o", T0, T0)
REPORT = Report("P", "I", "R", "d", "first", WORD, WORD, T0, "act#1")
CALL = Delivery("D", "W", "R", "desk", "post", 0, "due", T0)
LESSON = Lesson("L", "R", WORD, "o", T0)
RISK = Assessment("R", "h", "d", "x", WORD, T0, T0, "automatic", "open", "known", 2, 2, ("F",))


@pytest.mark.parametrize("instant", [NAIVE, EAST], ids=["naive", "not UTC"])
@pytest.mark.parametrize(
    ("value", "field"),
    [
        (SEEN, "at"), (SEEN, "known"), (TASK, "due"), (TASK, "done"), (REPORT, "filed"), (CALL, "due"),
        (CALL, "answer_by"), (LESSON, "due"), (RISK, "opened"), (finding(), "at"), (finding(), "known"),
        (finding().evidence, "since"),
    ],
)  # fmt: skip
def test_an_instant_is_utc_and_the_error_names_its_field(
    value: object, field: str, instant: datetime
) -> None:
    with pytest.raises(InvalidValue, match=rf"\.{field}: an instant"):
        replace(value, **{field: instant})  # type: ignore[type-var]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_is_finite(number: float) -> None:
    for build in (
        lambda: replace(SEEN, value=number),
        lambda: replace(finding(), score=number),
        lambda: Quantity(number, "m"),
        lambda: Point(0, number),
        lambda: Point(number, 0),
        lambda: Point(0, 0, number),
    ):
        with pytest.raises(InvalidValue):
            build()


def test_words_of_a_status_are_those_there_are() -> None:
    for value, field in (
        (TASK, "status"), (REPORT, "status"), (CALL, "status"), (LESSON, "status"), (RISK, "status"),
        (RISK, "verdict"), (RISK, "state"), (finding(), "change"), (finding(), "state"),
    ):  # fmt: skip
        with pytest.raises(InvalidValue, match=f"no such {field}"):
            replace(value, **{field: "fine"})  # type: ignore[type-var]
    with pytest.raises(InvalidValue, match="no such role"):
        Grant("king", "x")


def test_levels_run_from_one_to_four() -> None:
    for level in (0, 5, -1):
        for build in (
            lambda n=level: replace(RISK, level=n),
            lambda n=level: Band(n, 1.0, "b"),
            lambda n=level: finding(level=n),
        ):
            with pytest.raises(InvalidValue, match="no such level"):
                build()


def test_a_finding_stands_once_in_a_thread() -> None:
    with pytest.raises(InvalidValue, match="twice"):
        replace(RISK, findings=("F", "F"))


def test_a_text_has_both_languages() -> None:
    for pair in (("", "字"), ("w", " ")):
        with pytest.raises(InvalidValue, match="both languages"):
            Text(*pair)
    assert (WORD.in_("zh-CN"), WORD.in_("en")) == ("字", "w")


def test_intervals_and_validities_do_not_end_before_they_start() -> None:
    with pytest.raises(InvalidValue):
        Interval(T0, T0 - DAY)
    with pytest.raises(InvalidValue):
        Validity(date(2020, 1, 2), date(2020, 1, 2))
    span = Interval(T0, T0 + DAY)
    assert [span.contains(t) for t in (T0 - DAY, T0, T0 + DAY)] == [False, True, False]
    valid = Validity(date(2020, 1, 1), date(2021, 1, 1))
    assert [valid.covers(d) for d in (date(2019, 12, 31), date(2020, 1, 1), date(2021, 1, 1))] == [
        False,
        True,
        False,
    ]
    assert not valid.overlaps(Validity(date(2021, 1, 1)))


@pytest.mark.parametrize("text", ["P", "PT", "P1DT", "P1M", "P1Y", "1D", "P1D\n", "P٣D", "P99999999999D", ""])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidValue, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["2020-06-01", "2020-06-01T00:00:00", "soon", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(InvalidValue, match="instant"):
        parse_instant(text)
    assert parse_instant("2020-06-01T08:00:00+08:00") == datetime(2020, 6, 1, tzinfo=UTC)


def test_units_convert_within_their_dimension_only() -> None:
    assert convert(50.0, "[degF]", "Cel") == pytest.approx(10.0)
    assert Quantity(3.0, "10000{person}").to("{person}").value == 30_000
    with pytest.raises(WrongUnit, match="do not convert"):
        convert(1.0, "m", "kg")
    with pytest.raises(WrongUnit, match="unknown unit"):
        convert(1.0, "m", "furlong")


def test_a_place_is_not_its_own_parent_and_not_less_than_empty() -> None:
    for build in (
        lambda: Place("x", WORD, "nation", "x"),
        lambda: Place(" x", WORD, "nation"),
        lambda: Place("x", WORD, "nation", population=-1),
        lambda: Place("x", WORD, "nation", population_source="a census that did not count it"),
    ):
        with pytest.raises(InvalidValue):
            build()


def test_places_are_looked_up_as_of_a_date() -> None:
    pack = chain_pack()
    assert pack.ancestry("x/a/1", T0) == ("x/a/1", "x/a", "x")
    assert pack.within("x/a/1", "x", T0)
    assert not pack.within("x/a", "x/a/1", T0)
    assert [p.id for p in pack.children("x", T0)] == ["x/a", "x/b", "x/old"]
    assert [p.id for p in pack.children("x", T0 + 30 * DAY)] == ["x/a", "x/b"]
    with pytest.raises(UnknownPlace):
        pack.place("x/old", T0 + 30 * DAY)


def test_the_plan_nearest_above_the_place_in_force_then_is_the_plan() -> None:
    pack = chain_pack()
    near = replace(pack.plans["flood-plan"], id="near", places=("x/a",), validity=Validity(date(2020, 7, 1)))
    pack = replace(pack, plans={**pack.plans, "near": near})
    found = [
        pack.plan_for("flood", place, at)
        for place, at in (("x/a/1", T0), ("x/a/1", T0 + 60 * DAY), ("x/b", T0 + 60 * DAY))
    ]
    assert [plan.id if plan else None for plan in found] == ["flood-plan", "near", "flood-plan"]
    assert pack.plan_for("drought", "x/a", T0) is None


def entry(seq: int, value: Marker) -> Entry:
    return Entry(seq, T0, "marker.set", value.id, "", "system", value, (), None, "", "")


def test_the_state_is_the_fold_of_the_journal_in_its_order() -> None:
    state = fold([entry(1, Marker("a", "k", "1")), entry(2, Marker("a", "k", "2"))])
    assert (state.head, state.markers["a"].detail) == (2, "2")
    with pytest.raises(ValueError, match="entry 4 follows 2"):
        state.apply(entry(4, Marker("a", "k", "3")))


def test_what_was_put_can_be_taken_back() -> None:
    state = State()
    first, second = finding("F-1"), finding("F-2", 2)
    undo = [state.put(f.id, f) for f in (first, second, replace(second, sentence=WORD))]
    assert state.latest == {("gauge", "x/a", ""): "F-2"}
    for one in reversed(undo[1:]):
        one()
    assert (list(state.findings), state.latest) == (["F-1"], {("gauge", "x/a", ""): "F-1"})
    undo[0]()
    assert state == State()
    assert Draft("marker.set", "a", "", "system", Marker("a", "k", "")).cause == ()
