"""A rule's record on history, written beside the rule in the pack."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from anlan.app.backtest import Backtest
from anlan.model.errors import NotFound
from anlan.model.indicator import Record, Rule
from anlan.model.pack import Pack

HEAD = "# Written by `anlan backtest PACK RULE --record`: how each rule did on recorded history.\n"


def record_of(pack: Pack, rule: Rule, found: Backtest, made: date) -> Record:
    """The record that a backtest gives."""
    scores = found.scores
    return Record(
        rule.id,
        pack.fingerprint(rule),
        found.since.date(),
        found.until.date(),
        scores.hits,
        scores.misses,
        scores.false_alarms,
        round(found.per_day, 6),
        made,
        None if scores.lead is None else round(scores.lead / timedelta(days=1), 2),
    )


def write_record(pack: Pack, record: Record) -> Path:
    """Put the record into `records.toml` beside the file of its rule, in place of an earlier one; the file
    written. NotFound where no folder of the pack holds the rule."""
    path = _rules_file(pack, record.rule).with_name("records.toml")
    kept: dict[str, dict[str, Any]] = {}
    if path.is_file():
        kept = {one["rule"]: one for one in tomllib.loads(path.read_text("utf-8")).get("record", ())}
    kept[record.rule] = _table(record)
    parts = [HEAD] + ["\n[[record]]\n" + "".join(map(_line, one.items())) for _, one in sorted(kept.items())]
    path.write_text("".join(parts), "utf-8")
    return path


def _rules_file(pack: Pack, rule: str) -> Path:
    for folder in reversed(pack.folders):
        for file in sorted(Path(folder).glob("domains/*/rules.toml")):
            with file.open("rb") as raw:
                if any(one.get("id") == rule for one in tomllib.load(raw).get("rule", ())):
                    return file
    raise NotFound("no file of the pack holds the rule", where=f"pack {pack.id}", found=rule)


def _table(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: getattr(record, name)
        for name in (
            "rule", "fingerprint", "since", "until", "hits", "misses", "false_alarms", "per_day", "made",
        )
    }  # fmt: skip
    if record.lead_days is not None:
        found["lead_days"] = record.lead_days
    return found


def _line(item: tuple[str, Any]) -> str:
    name, value = item
    if isinstance(value, str):
        value = f'"{value}"'
    return f"{name} = {value}\n"
