"""Make packs/cn/places/*.topo.json from the simplified outlines of provinces, cities and counties.

    python tools/packs/cn_geometry.py GEOMETRY_FOLDER packs/cn

Outlines are copied as they are. Only the property `code` is settled: a county that has no code of
today takes the code it had when the outline was drawn (`code_2016`), and a feature whose code names no
division in packs/cn/places keeps its name but carries no code, so that nothing is joined to it.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

LAYERS = ("provinces", "cities", "counties")


def known_codes(pack: Path) -> set[str]:
    codes: set[str] = set()
    for file in (pack / "places").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as stream:
            codes |= {row["id"].removeprefix("cn/") for row in csv.DictReader(stream)}
    return codes


def settle_undrawn(features: list[dict[str, Any]]) -> None:
    for undrawn in [feature for feature in features if not feature.get("arcs")]:
        for drawn in features:
            one, other = drawn["properties"], undrawn["properties"]
            if (
                drawn.get("arcs")
                and not one.get("code")
                and (one["name"], one["file"])
                == (
                    other["name"],
                    other["file"],
                )
            ):
                one["code"], other["code"] = other["code"], ""


def main(source: Path, pack: Path) -> None:
    known = known_codes(pack)
    for layer in LAYERS:
        topology = json.loads((source / f"{layer}.topo.json").read_text(encoding="utf-8"))
        features = topology["objects"][layer]["geometries"]
        settle_undrawn(features)
        joined, taken = 0, {feature["properties"].get("code") for feature in features}
        for feature in features:
            properties = feature["properties"]
            former = properties.pop("code_2016", "")
            code = properties.pop("code", "") or ("" if former in taken else former)
            if code in known:
                feature["properties"] = {"code": code, **properties}
                joined += 1
        target = pack / "places" / f"{layer}.topo.json"
        target.write_text(json.dumps(topology, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        print(f"{target.name}: {len(features)} features, {joined} with a code, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
