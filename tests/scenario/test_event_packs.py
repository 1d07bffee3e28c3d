"""Deadlines and storms from a pack's own files: checked, read, backtested; bad rows quarantined."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anlan.app.backtest import backtest
from anlan.assess.surveys.registry import demands, described
from anlan.monitor.intake import admit
from anlan.packs.check import check
from anlan.packs.load import load_pack
from anlan.packs.locate import Finder
from anlan.sources.registry import build
from anlan.sources.tools import Tools
from sample_pack import FILES, write

INDICATORS = """
[[indicator]]
id = "kev"
title = { en = "known exploited vulnerabilities to be mended", zh = "待修复的已知被利用漏洞" }
domain = "water"
unit = "{event}"
kind = "event"
direction = "up"
basis = "act-2010#5"
ahead = "P700D"

[[indicator]]
id = "track"
title = { en = "storm fixes", zh = "风暴定位" }
domain = "water"
unit = "[kn_i]"
kind = "event"
direction = "up"
basis = "act-2010#5"
ahead = "P7D"
minimum = 0.0
maximum = 250.0
"""
SOURCES = """
[[source]]
id = "cisa"
title = { en = "KEV catalogue", zh = "KEV 目录" }
kind = "table"
licence = "CC0-1.0"
attribution = { en = "CISA", zh = "CISA" }
stale_after = "P7D"
dead_after = "P30D"
indicators = ["kev"]

[source.options]
file = "KEV"
format = "csv"
place = "=x"
event = "cveID"
at = "dueDate"
at_format = "date"
known = "dateAdded"
known_format = "date"
timezone = "UTC"
value = "=1"
indicator = "kev"

[[source]]
id = "jma"
title = { en = "best track", zh = "最佳路径" }
kind = "table"
licence = "attribution"
attribution = { en = "Japan Meteorological Agency", zh = "日本气象厅" }
stale_after = "P7D"
dead_after = "P30D"
indicators = ["track"]

[source.options]
file = "TRACK"
format = "csv"
place = "=x"
event = "storm_id"
at = "time_utc"
at_format = "%Y-%m-%dT%H:%MZ"
known_lag = "PT1H"
timezone = "UTC"
value = "wind_kt"
indicator = "track"
lon = "lon"
lat = "lat"
"""
RULE = """
[[rule]]
id = "{id}"
title = {{ en = "rule", zh = "规则" }}
indicator = "{indicator}"
hazard = "flood"
detector = "{detector}"
when = "alarm"
measure = "value"
places = {places}
basis = "act-2010#5"
say = {{ en = "{{place}}: {{value}}", zh = "{{place}}:{{value}}" }}

[rule.params]
{params}

[[rule.band]]
level = {level}
at_least = {at_least}
basis = "act-2010#5"
from = 2010-01-01
"""
LATE = RULE.format(
    id="late", indicator="kev", detector="deadlines", places='["x"]', params="soon = 7", level=2, at_least=1.0
)
NEAR = RULE.format(
    id="near",
    indicator="track",
    detector="storm_zone",
    places='["x/b"]',
    params="zone_km = 300.0\ncone_km_day = 100.0\nextrapolate = 48.0",
    level=1,
    at_least=24.0,
)
PLACES = """id,name_en,name_zh,level,parent,from,to,population,population_year,lon,lat
x,Land,国,nation,,,,1000,2020,,
x/a,Greater Alpha,大甲,province,x,2000-01-01,,450,2020,,
x/b,Beta,乙,province,x,,,,,113.55,22.27
x/c,Gamma,丙,province,x,,,,,,
"""


def pack_in(folder: Path, kev: str, track: str, rules: str = LATE + NEAR) -> Path:
    """The sample pack with both streams."""
    return write(
        folder / "tiny",
        {
            **FILES,
            "places/all.csv": PLACES,
            "domains/water/indicators.toml": FILES["domains/water/indicators.toml"] + INDICATORS,
            "domains/water/sources.toml": FILES["domains/water/sources.toml"].replace(
                '[source.options]\nfile = "data/stage.csv"\nsince = 2011-01-01\n',
                '[source.options]\nfile = "data/stage.csv"\nplace = "=x"\nat = "date"\nat_format = "date"\n'
                'value = "stage"\nindicator = "stage"\n',
            )
            + SOURCES.replace("KEV", kev, 1)
            .replace('file = "KEV"', f'file = "{kev}"')
            .replace('file = "TRACK"', f'file = "{track}"'),
            "domains/water/rules.toml": FILES["domains/water/rules.toml"] + rules,
        },
    )


def part(file: Path, keep: Callable[[dict[str, str]], bool]) -> str:
    """The rows of a recorded table that are kept, as CSV."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as source:
        rows = csv.DictReader(source)
        out = io.StringIO()
        table = csv.DictWriter(out, rows.fieldnames or ())
        table.writeheader()
        table.writerows(row for row in rows if keep(row))
    return out.getvalue()


def test_both_streams_are_a_sound_pack_and_backtest_as_they_run(shared: Path, tmp_path: Path) -> None:
    folder = pack_in(tmp_path, "data/kev.csv", "data/track.csv")
    kev = part(shared / "data/cyber-kev/kev_until_2024.csv.gz", lambda r: r["dateAdded"] < "2022-01-01")
    track = part(
        shared / "data/typhoon-wnp/jma_best_track_2015_2019.csv.gz", lambda r: r["storm_id"] == "201822"
    )
    write(folder, {"data/kev.csv": kev, "data/track.csv": track})
    faults, _ = check(folder, (), described(), demands())
    assert [fault.sentence() for fault in faults] == []
    late = backtest(str(folder), "late")
    assert [episode.place for episode in late.episodes] == ["x"]
    assert late.episodes[0].start == datetime(2021, 11, 4, tzinfo=UTC)  # the day after the first was due
    near = backtest(str(folder), "near")
    (mangkhut,) = near.episodes
    assert (mangkhut.place, mangkhut.start.date().isoformat()) == ("x/b", "2018-09-14")


BAD_KEV = """cveID,dateAdded,dueDate
CVE-1,2024-01-01,2024-01-20
CVE-2,2024-01-01,soon
CVE-3,2024-01-01,
,2024-01-01,2024-01-22
"""
BAD_TRACK = """storm_id,time_utc,lat,lon,wind_kt
1,2024-01-01T00:00Z,18.0,120.0,60
1,2024-01-01T06:00Z,98.0,119.0,60
1,2024-01-01T12:00Z,18.9,118.0,9999
1,yesterday,18.9,118.0,60
"""


@pytest.mark.parametrize(
    ("source", "good", "words"),
    [
        ("cisa", 1, ("line 3, column dueDate", "'soon'", "line 4, column dueDate", "without its id")),
        ("jma", 1, ("line 3", "98.0", "9999 [kn_i]", "'yesterday'")),
    ],
)
def test_rows_that_cannot_be_meant_are_quarantined_and_the_others_count(
    source: str, good: int, words: tuple[str, ...], tmp_path: Path
) -> None:
    folder = pack_in(tmp_path, "data/kev.csv", "data/track.csv")
    write(folder, {"data/kev.csv": BAD_KEV, "data/track.csv": BAD_TRACK})
    pack = load_pack(folder, ())
    definition = pack.sources[source]
    accepted, held = [], []
    for batch in build(definition, Tools(resolve_point=Finder(pack, definition))).history(pack):
        kept, refused = admit(batch, pack)
        accepted += kept
        held += [*batch.quarantined, *refused]
    said = " ".join(one.sentence for one in held)
    assert len(accepted) == good
    assert all(word in said for word in words)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (NEAR.replace("zone_km = 300.0\n", ""), "storm_zone needs a parameter"),
        (NEAR.replace('indicator = "track"', 'indicator = "stage"'), "storm_zone reads other indicators"),
        (
            RULE.format(
                id="r", indicator="stage", detector="river_routing", places='["x/b"]', level=2, at_least=1.0,
                params='upstream = "x/nowhere"',
            ),
            "'x/nowhere'",
        ),
        (
            RULE.format(
                id="p", indicator="track", detector="forecast_probability", places='["x/b"]', level=2,
                at_least=0.5, params='observed = "rain"\nthreshold = 20.0',
            ),
            "'rain'",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_work_is_a_fault_of_the_pack(rules: str, words: str, tmp_path: Path) -> None:
    folder = pack_in(tmp_path, "data/kev.csv", "data/track.csv", rules)
    write(folder, {"data/kev.csv": BAD_KEV, "data/track.csv": BAD_TRACK})
    faults, _ = check(folder, (), described(), demands())
    assert any(words in fault.sentence() for fault in faults), [fault.sentence() for fault in faults]
