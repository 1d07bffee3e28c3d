"""What changed since the handover is drawn together as the board does, and nothing is left out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from anlan.model.observation import Observation
from anlan.model.provenance import Provenance
from anlan.web.shift import drawn_together
from chain_pack import HOUR, T0, Room, chain_pack

SOURCE = Provenance("gauges", "t")


def storm(folder: Path) -> Room:
    """Gauges of two counties that rise and fall, hour by hour, and one far away."""
    room = Room(folder, chain_pack())
    for n in range(8):
        at = T0 + n * HOUR
        values = {"x/a/1": 3.5 + n % 2, "x/b": 3.2} if n else {"x/a/1": 4.5}
        room.turn(at, *(Observation("stage", p, at, at, v, "m", SOURCE) for p, v in values.items()))
    return room


def test_the_rows_of_one_storm_are_one_line_that_counts_them(tmp_path: Path) -> None:
    room = storm(tmp_path)
    entries = list(room.journal.read())
    lines = drawn_together(entries, room.state, room.pack, bool, room.now)
    assert Counter(one.seq for line in lines for one in line.lines) == Counter(e.seq for e in entries)
    storms = [line for line in lines if line.card is not None]
    assert {line.card.area for line in storms if line.card} == {"x/a", "x/b"}
    (first,) = [line for line in storms if line.card and line.card.area == "x/a"]
    raised = sum(e.kind == "finding.raised" and e.value.place == "x/a/1" for e in entries)  # type: ignore[union-attr]
    counts = dict(first.counts)
    assert ("finding", "raised", raised) in counts["finding"] and raised > 0
    # what only follows a finding is not counted beside it, and still opens behind the line
    opened = sum(e.kind == "assessment.opened" for e in entries if e.risk in first.risks)
    assert sum(n for _, _, n in counts["assessment"]) == opened < first.nouns.count("assessment")
    assert [line.newest for line in lines] == sorted((line.newest for line in lines), reverse=True)


def test_a_risk_that_may_not_be_read_names_no_line(tmp_path: Path) -> None:
    room = storm(tmp_path)
    entries = [e for e in room.journal.read() if e.kind.startswith("warning.")]
    assert entries
    lines = drawn_together(entries, room.state, room.pack, lambda place: place == "x/b", room.now)
    assert all(line.card is None and not any(line.risks) for line in lines)
    assert sum(len(line.lines) for line in lines) == len(entries)
