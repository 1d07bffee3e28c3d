"""Whatever a pack holds, reading it ends in a pack or in faults."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from anlan.model.errors import InvalidValue
from anlan.model.indicator import Band, Rule
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.packs.check import check
from anlan.packs.checks.places import uncovered
from anlan.packs.citations import citations, covers
from anlan.packs.conditions import DETECTION, compile_condition, examine
from anlan.packs.decode import decode
from anlan.packs.documents import Document, Origin, key_lines
from anlan.packs.load import load_pack
from anlan.packs.resolve import bands_at
from anlan.packs.tables import TOML_FILES
from sample_pack import DETECTORS, FILES, write

DAYS = st.dates(date(1990, 1, 1), date(2030, 12, 31))
SCALARS = st.one_of(
    st.text(max_size=12),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**63, max_value=2**20_000),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.times(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
TABLES = [(file.pattern, table) for file in TOML_FILES for table in file.tables]
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def validities(draw: st.DrawFn) -> Validity:
    since = draw(st.none() | DAYS)
    until = draw(st.none() | DAYS)
    assume(since is None or until is None or since < until)
    return Validity(since, until)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value below the top of a tree."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in inner for found in ((*path, key), *paths(part, (*path, key)))]


def put(tree: Any, path: tuple[str | int, ...], value: Any) -> None:
    for key in path[:-1]:
        tree = tree[key]
    tree[path[-1]] = value


def toml(value: Any) -> str:
    """A tree as TOML, all inline."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if isinstance(value, int):
        return hex(value) if value > 2**63 else str(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return quoted(str(value))


def quoted(text: str) -> str:
    return (
        '"'
        + "".join(f"\\U{ord(c):08x}" if c in '"\\' or ord(c) < 32 or ord(c) == 127 else c for c in text)
        + '"'
    )


def whole(document: Mapping[str, Any]) -> str:
    return "\n".join(f"{quoted(key)} = {toml(value)}" for key, value in document.items())


@QUICK
@given(st.data())
def test_garbage_anywhere_in_a_pack_gives_faults_and_never_a_crash(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from([name for name in FILES if name.endswith(".toml")]))
    tree = tomllib.loads(FILES[file])
    path = data.draw(st.sampled_from(paths(tree)))
    put(tree, path, data.draw(VALUES))
    with TemporaryDirectory() as folder:
        faults, _ = check(write(Path(folder) / "tiny", {**FILES, file: whole(tree)}), [], DETECTORS)
    assert all(fault.file and fault.message and len(fault.sentence()) < 2_000 for fault in faults)


@QUICK
@given(file=st.sampled_from(sorted(FILES)), garbage=st.binary(max_size=60), at=st.floats(0, 1))
def test_bytes_in_the_middle_of_a_file_give_faults_and_never_a_crash(
    file: str, garbage: bytes, at: float
) -> None:
    raw = FILES[file].encode()
    cut = int(at * len(raw))
    with TemporaryDirectory() as folder:
        pack = write(Path(folder) / "tiny", FILES)
        (pack / file).write_bytes(raw[:cut] + garbage + raw[cut:])
        check(pack, [], DETECTORS)


@pytest.mark.parametrize(("pattern", "table"), TABLES, ids=[f"{name} {one.name}" for name, one in TABLES])
@settings(max_examples=12, deadline=None)
@given(raw=VALUES)
def test_a_table_that_is_not_its_class_gives_at_least_one_fault(pattern: str, table: Any, raw: Any) -> None:
    faults: list[Any] = []
    value = decode(table.kind, raw, Origin(Document(pattern, "")), faults)
    assert (value is None) == bool(faults)
    assert value is None


@given(spans=st.lists(st.tuples(st.integers(1, 4), validities()), max_size=8), day=DAYS)
def test_no_two_bands_of_a_level_are_in_force_at_once(spans: list[tuple[int, Validity]], day: date) -> None:
    taken: list[tuple[int, Validity]] = []
    for level, validity in spans:  # as the checks let them pass
        if not any(other == level and validity.overlaps(there) for other, there in taken):
            taken.append((level, validity))
    bands = tuple(Band(level, float(level), "b", validity) for level, validity in taken)
    rule = Rule("r", Text("r", "r"), "i", "h", "d", "alarm", "value", Text("s", "s"), "b", bands=bands)
    found = bands_at(rule, day)
    assert len({band.level for band in found}) == len(found)
    assert list(found) == sorted(found, key=lambda band: band.level)
    assert all(band.validity.covers(day) for band in found)


@QUICK
@given(spans=st.lists(validities(), min_size=1, max_size=5), day=DAYS)
def test_a_place_has_at_most_one_version_on_a_day_or_the_pack_has_a_fault(
    spans: list[Validity], day: date
) -> None:
    rows = "".join(f"x/v,V,丁,province,x,{s.since or ''},{s.until or ''},,\n" for s in spans)
    with TemporaryDirectory() as folder:
        pack = write(Path(folder) / "tiny", {**FILES, "places/all.csv": FILES["places/all.csv"] + rows})
        faults, _ = check(pack, [], DETECTORS)
        loaded: Pack | None = None if faults else load_pack(pack)
    in_force = [span for span in spans if span.covers(day)]
    if loaded is None:
        assert any(one.overlaps(other) for place, one in enumerate(spans) for other in spans[:place])
    else:
        assert len(in_force) <= 1
        if in_force:
            assert loaded.place("x/v", day).validity == in_force[0]


@given(outer=validities(), inner=validities(), day=DAYS)
def test_what_covers_holds_every_day(outer: Validity, inner: Validity, day: date) -> None:
    if covers(outer, inner) and inner.covers(day):
        assert outer.covers(day)


@given(wanted=validities(), offered=st.lists(validities(), max_size=4), day=DAYS)
def test_a_gap_is_a_day_nobody_covers(wanted: Validity, offered: list[Validity], day: date) -> None:
    gap = uncovered(wanted, offered)
    if gap is None:
        assert not wanted.covers(day) or any(one.covers(day) for one in offered)
    elif gap[0].isdigit():
        found = date.fromisoformat(gap)
        assert wanted.covers(found)
        assert not any(one.covers(found) for one in offered)


@given(basis=st.text(max_size=40))
def test_any_basis_can_be_read(basis: str) -> None:
    assert all(citation.law and citation.article for citation in citations(basis))


@given(text=st.text(max_size=200))
def test_the_scan_for_lines_takes_any_text(text: str) -> None:
    lines = key_lines(text)
    assert all(1 <= number <= len(text.splitlines()) for number in lines.values())


@given(
    notes=st.lists(
        st.sampled_from(["", "# [[t]]", 's = """\n[[t]]\nk = 1\n"""', "a = [\n[1], [2],\n]"]), max_size=5
    )
)
def test_the_nth_header_is_found_whatever_stands_between(notes: list[str]) -> None:
    text = "".join(f"[[t]]\nkey = {place}\n{note}\n" for place, note in enumerate(notes))
    lines, found = text.splitlines(), key_lines(text)
    for place, entry in enumerate(tomllib.loads(text).get("t", [])):
        assert lines[found["t", place, "key"] - 1] == f"key = {entry['key']}"
        assert lines[found["t", place] - 1] == "[[t]]"


@QUICK
@example("value > 3.0")
@given(expression=st.text(max_size=60) | st.text("valuemonth01.+-*/<>=!&|()[]?: '\"", max_size=40))
def test_any_text_as_a_condition_is_examined(expression: str) -> None:
    problems = examine(expression)
    try:
        compile_condition(expression)
    except InvalidValue:
        assert any(problem.grave for problem in problems)


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(value=st.none() | NUMBERS | st.just(math.nan), limit=st.integers(-1000, 1000), alarm=st.booleans())
def test_a_missing_number_never_decides(value: float | None, limit: int, alarm: bool) -> None:
    given_values: dict[str, object] = {**dict.fromkeys(DETECTION, 0.0), "place": "x", "month": 1}
    given_values |= {"value": value, "alarm": alarm, "known": True}
    missing = value is None or math.isnan(value)
    condition = compile_condition(f"value >= {limit}.0")
    assert condition.outcome(given_values) is (None if value is None or missing else value >= limit)
    either = compile_condition(f"alarm || value >= {limit}.0").outcome(given_values)
    assert either is (True if alarm else condition.outcome(given_values))


@given(weeks=st.integers(0, 50), hours=st.integers(0, 50))
def test_durations_read_back(weeks: int, hours: int) -> None:
    raw = {
        "id": "i",
        "title": {"en": "i", "zh": "i"},
        "domain": "d",
        "unit": "m",
        "kind": "measure",
        "direction": "up",
        "basis": "b",
        "frequency": f"P{weeks}WT{hours}H",
    }
    faults: list[Any] = []
    kind = next(table.kind for _, table in TABLES if table.name == "indicator")
    indicator: Any = decode(kind, raw, Origin(Document("indicators.toml", "")), faults)
    assert faults == []
    assert indicator.frequency == timedelta(weeks=weeks, hours=hours)
