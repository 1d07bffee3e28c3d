"""Real messages of thirty issuers: our verdict against the OASIS schemas and an independent checker."""

from __future__ import annotations

import csv
import time
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest
from lxml import etree

from anlan.formats import cap
from anlan.model.errors import BadInput, Hostile

# rules.csv ids that our checker applies in full to single messages
COMPARED = (
    "A-identifier-chars",
    "A-sender-chars",
    "A-references-required",
    "A-references-self",
    "A-references-future",
    "G-polygon-closed",
    "G-polygon-empty",
    "G-geocode-pair",
    "R-size",
)


def rows(shared: Path, *kinds: str) -> list[dict[str, str]]:
    with (shared / "corpus" / "cap" / "index.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["kind"] in kinds]


def test_the_verdict_on_every_single_message_is_that_of_its_schema(shared: Path) -> None:
    disagreed = []
    for row in rows(shared, "alert"):
        raw = (shared / "corpus" / "cap" / row["file"]).read_bytes()
        valid = not any(fault.schema for fault in cap.check(raw))
        if valid != (row["xsd_valid"] == "y"):
            disagreed.append(row["file"])
    assert len(rows(shared, "alert")) == 102
    assert disagreed == []


def test_messages_valid_by_their_schema_are_all_read_whole(shared: Path) -> None:
    refused = []
    for row in rows(shared, "alert"):
        if row["xsd_valid"] != "y":
            continue
        raw = (shared / "corpus" / "cap" / row["file"]).read_bytes()
        try:
            alert = cap.read(raw)
        except BadInput:
            refused.append(row["file"])
            continue
        areas = [area for info in alert.infos for area in info.areas]
        assert alert.raw == raw
        assert alert.version == row["cap_version"]
        assert len(alert.infos) == int(row["infos"])
        assert sum(len(area.polygons) for area in areas) == int(row["polygons"])
        assert sum(len(area.circles) for area in areas) == int(row["circles"])
        assert sum(len(area.geocodes) for area in areas) == int(row["geocodes"])
        assert sum(len(info.resources) for info in alert.infos) == int(row["resources"])
        assert alert.signatures == int(row["signatures"])
    assert refused == []


def test_a_message_of_cap_1_2_without_faults_is_written_valid_and_equal(shared: Path) -> None:
    schema = etree.XMLSchema(etree.parse(shared / "reference" / "cap" / "CAP-v1.2.xsd"))
    written = 0
    for row in rows(shared, "alert"):
        raw = (shared / "corpus" / "cap" / row["file"]).read_bytes()
        if row["cap_version"] != "1.2" or any(
            fault.bars and fault.rule != "D-utc-minus" for fault in cap.check(raw)
        ):
            continue
        alert = cap.read(raw)
        again = cap.write(alert)
        assert cap.read(again) == alert
        assert schema.validate(etree.fromstring(again))
        written += 1
    assert written >= 40


def test_faults_beyond_the_schema_agree_with_an_independent_checker(shared: Path) -> None:
    expected: dict[str, set[str]] = defaultdict(set)
    with (shared / "corpus" / "cap" / "expected_violations.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            expected[row["file"]].add(row["rule_id"])
    differences = []
    for row in rows(shared, "alert"):
        faults = cap.check((shared / "corpus" / "cap" / row["file"]).read_bytes())
        if any(fault.schema for fault in faults):
            continue
        ours = {fault.rule for fault in faults}
        for rule in COMPARED:
            if (rule in ours) != (rule in expected[row["file"]]):
                differences.append((row["file"], rule, rule in ours))
    assert differences == []


def test_every_index_is_read_with_all_its_embedded_messages(shared: Path) -> None:
    embedded = 0
    for row in rows(shared, "feed"):
        entries = cap.read_index((shared / "corpus" / "cap" / row["file"]).read_bytes(), "https://a.invalid/")
        messages = [raw for entry in entries for raw in entry.cap]
        # the one message of no_entries.atom stands outside every entry, where an index has no messages
        held = 0 if row["file"].endswith("no_entries.atom") else int(row["alerts"])
        assert len(messages) == held, row["file"]
        if row["xsd_valid"] == "y":
            assert not any(fault.schema for raw in messages for fault in cap.check(raw)), row["file"]
        embedded = max(embedded, len(messages))
    assert embedded == 469


def test_an_index_entry_names_the_message_before_the_web_page(shared: Path) -> None:
    folder = shared / "corpus" / "cap" / "meteoalarm-feeds"
    entries = cap.read_index((folder / "0afa04e0-meteoalarm-legacy-atom-poland.xml").read_bytes())
    assert all("/api/v1/warnings/" in entry.links[0] for entry in entries)
    assert all(entry.id and entry.updated for entry in entries)


def test_the_message_matrix_without_offsets_is_refused_naming_the_time(shared: Path) -> None:
    with zipfile.ZipFile(shared / "corpus" / "cap" / "alerthub-matrix" / "areas.zip") as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")][:50]
        for name in names:
            rules = {fault.rule for fault in cap.check(archive.read(name))}
            assert "D-format" in rules, name
            with pytest.raises(BadInput):
                cap.read(archive.read(name), name)


REFUSED = {
    **dict.fromkeys(range(2, 11), Hostile),
    **dict.fromkeys((12, 13, 14, 16, 17, 21, 27, 28, 29, 30), BadInput),
    **dict.fromkeys((23, 24), Hostile),
}


@pytest.mark.parametrize("number", range(1, 46))
def test_a_hostile_document_is_refused_or_read_harmlessly_at_once(number: int, shared: Path) -> None:
    path = next((shared / "corpus" / "cap" / "hostile").glob(f"{number:02d}-*"))
    raw = path.read_bytes()
    began = time.perf_counter()
    faults = cap.check(raw)
    refusal: BadInput | None = None
    try:
        alert = cap.read(raw, path.name)
    except BadInput as error:
        refusal = error
    assert time.perf_counter() - began < 1.0
    if number in REFUSED:
        assert isinstance(refusal, REFUSED[number]), refusal
        assert "\n" not in str(refusal)
        assert faults
    else:
        assert refusal is None
        assert alert.identifier and alert.raw == raw
