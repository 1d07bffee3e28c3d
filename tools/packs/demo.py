"""Make packs/demo/data from the recorded series it names. Rerun only to change the tables.

    python tools/packs/demo.py SHARED VEGA RIVER

SHARED: the reference data folder (its data/salmonella-newport-de and data/ehec-hus-2011 hold figures of
SurvStat@RKI, Robert Koch Institute); VEGA: the unpacked npm package vega-datasets 3.2.1; RIVER: the
unpacked wheel river 0.26.1.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "packs" / "demo" / "data"

STATES = {
    "Baden.Wuerttemberg": "BW",
    "Bavaria": "BY",
    "Berlin": "BE",
    "Brandenburg": "BB",
    "Bremen": "HB",
    "Hamburg": "HH",
    "Hesse": "HE",
    "Lower.Saxony": "NI",
    "Mecklenburg.Vorpommern": "MV",
    "North.Rhine.Westphalia": "NW",
    "Rhineland.Palatinate": "RP",
    "Saarland": "SL",
    "Saxony": "SN",
    "Saxony.Anhalt": "ST",
    "Schleswig.Holstein": "SH",
    "Thuringia": "TH",
}


def write(name: str, header: list[str], rows: list[list[object]]) -> None:
    """One gzip table, the same bytes for the same rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    (OUT / name).write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def newport(shared: Path) -> None:
    """Weekly cases by state, and their sum for Germany. A week's figure is known nine days after the
    week's Monday, the Wednesday after it ends."""
    source = shared / "data" / "salmonella-newport-de" / "weekly_states_2004_2012.csv.gz"
    rows: list[list[object]] = []
    total: dict[str, int] = defaultdict(int)
    with gzip.open(source, "rt") as file:
        for row in csv.DictReader(file):
            rows.append([row["week_start"], f"de/{STATES[row['state']]}", int(row["cases"])])
            total[row["week_start"]] += int(row["cases"])
    rows += [[week, "de", cases] for week, cases in total.items()]
    write("newport_weekly.csv.gz", ["week_start", "place", "cases"], sorted(rows, key=str))


def hus(shared: Path) -> None:
    """HUS admissions by day as they became known: for every day of report, the new total of every day
    of admission that changed, and a first figure for the day itself."""
    source = shared / "data" / "ehec-hus-2011" / "hosp_by_report.csv"
    reported: dict[date, dict[date, int]] = defaultdict(dict)
    with source.open() as file:
        for row in csv.DictReader(file):
            reported[date.fromisoformat(row["reported"])][date.fromisoformat(row["hospitalised"])] = int(
                row["n"]
            )
    first = date(2011, 5, 7)
    total: dict[date, int] = defaultdict(int)
    rows: list[list[object]] = []
    # the record holds no case after its last day; the days to the declared end stand as zero
    for offset in range((date(2011, 7, 26) - first).days + 1):
        day = first + timedelta(days=offset)
        for admitted, n in reported.get(day, {}).items():
            total[admitted] += n
        for admitted in sorted({*reported.get(day, {}), day}):
            rows.append([admitted, f"{day}T12:00:00Z", total[admitted]])
    write("hus_daily.csv.gz", ["admitted", "known", "cases"], rows)


def rain(vega: Path) -> None:
    """Seattle: rain of the day (mm) and mean wind (m/s), 2012 to 2015."""
    with (vega / "data" / "seattle-weather.csv").open() as file:
        rows = [[r["date"], r["precipitation"], r["wind"]] for r in csv.DictReader(file)]
    write("seattle_daily.csv.gz", ["date", "rain_mm", "wind_m_s"], list(rows))


def quakes(vega: Path) -> None:
    """The USGS week as published, the file as it is, smaller quakes (below 4.0) left out."""
    feed = json.loads((vega / "data" / "earthquakes.json").read_text())
    feed["features"] = [f for f in feed["features"] if (f["properties"]["mag"] or 0) >= 4.0]
    feed["metadata"]["title"] += ", magnitude 4.0 and more"
    feed["metadata"]["count"] = len(feed["features"])
    raw = json.dumps(feed, ensure_ascii=False, separators=(",", ":")).encode()
    (OUT / "usgs_week_2018-02-07_m4.geojson.gz").write_bytes(gzip.compress(raw, mtime=0))


def brent(river: Path) -> None:
    """Brent spot price by trading day from 2009 to 2012."""
    rows: list[list[object]] = []
    with (river / "river" / "drift" / "datasets" / "brent_crude_oil.csv").open() as file:
        for row in csv.DictReader(file):
            day = datetime.strptime(row["day"], "%m/%d/%Y").date()  # noqa: DTZ007
            if date(2009, 1, 1) <= day < date(2012, 1, 1):
                rows.append([day, row["DPB"]])
    write("brent_daily.csv.gz", ["date", "usd_per_barrel"], rows)


def main(shared: str, vega: str, river: str) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    newport(Path(shared))
    hus(Path(shared))
    rain(Path(vega))
    quakes(Path(vega))
    brent(Path(river))


if __name__ == "__main__":
    main(*sys.argv[1:])
