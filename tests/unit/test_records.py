"""A rule's record on history stands beside the rule, is bound to it as it is, and is said to be lacking."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from anlan.app.backtest import backtest
from anlan.app.records import write_record
from anlan.assess.surveys.registry import described
from anlan.model.indicator import Record
from anlan.packs.check import check
from anlan.packs.load import load_pack
from anlan.packs.paths import pack_path

ROOT = Path(__file__).parent.parent.parent


def copy_of_demo(folder: Path) -> Path:
    return Path(shutil.copytree(ROOT / "packs" / "demo", folder / "demo"))


def doubts(folder: Path) -> list[str]:
    faults, warnings = check(folder, pack_path(), described())
    assert faults == []
    return [one.sentence() for one in warnings if "history" in one.message]


def test_every_rule_of_the_demonstration_was_run_on_history_as_it_stands() -> None:
    assert doubts(ROOT / "packs" / "demo") == []


def test_a_record_is_written_beside_its_rule_in_place_of_the_earlier_one(tmp_path: Path) -> None:
    folder = copy_of_demo(tmp_path)
    pack = load_pack(folder, pack_path())
    rule = pack.rules["heavy-rain"]
    record = Record(
        rule.id, rule.fingerprint, date(2001, 1, 1), date(2002, 1, 1), 7, 2, 1, 0.25, date(2026, 2, 3), -1.5
    )
    path = write_record(pack, record)
    assert path == folder / "domains" / "weather" / "records.toml"
    again = load_pack(folder, pack_path())
    assert again.record_of(again.rules["heavy-rain"]) == record
    assert again.records.keys() == pack.records.keys()
    assert write_record(again, replace(record, hits=8)) == path
    assert load_pack(folder, pack_path()).records["heavy-rain"].hits == 8


def test_a_changed_rule_loses_its_record_and_the_linter_says_so(tmp_path: Path) -> None:
    folder = copy_of_demo(tmp_path)
    file = folder / "domains" / "energy" / "rules.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace('hold = "', 'hold = "P7D" # was "', 1), "utf-8")
    pack = load_pack(folder, pack_path())
    assert pack.record_of(pack.rules["oil-price"]) is None
    said = doubts(folder)
    assert len(said) == 1
    assert "another version of the rule" in said[0]
    assert "anlan backtest demo oil-price --record" in said[0]


def test_a_rule_without_a_record_is_said_to_be_unverified(tmp_path: Path) -> None:
    folder = copy_of_demo(tmp_path)
    (folder / "domains" / "energy" / "records.toml").unlink()
    assert [one for one in doubts(folder) if "not verified on history" in one]


def test_the_declared_number_a_day_holds_for_all_rules_of_the_domain(tmp_path: Path) -> None:
    folder = copy_of_demo(tmp_path)
    found = backtest(str(folder), "hus-cluster")
    records = load_pack(folder, pack_path()).records
    others = records["newport-farrington"].per_day + records["newport-scan"].per_day
    assert found.together == pytest.approx(found.per_day + others)
    assert found.unrecorded == ()
    (folder / "domains" / "health" / "records.toml").unlink()
    alone = backtest(str(folder), "hus-cluster")
    assert alone.together == alone.per_day and alone.unrecorded == ("newport-farrington", "newport-scan")
