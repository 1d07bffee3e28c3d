"""The analyst page of a province beside its thirty neighbours: processor time of a page with its charts.

`analyst.py [--small]`: 31 provinces, ten years of weekly counts (--small: 8 provinces), Farrington Flexible
over the last 104 weeks of each. Of one indicator every count is all there at once; the other's go on growing
for six weeks (`settles`), so that what it will be in the end is worked out for every province as well. The
lake is a real one on disk and each request goes through the whole application: session, access, page, charts.
A second passes between two loads, so that no load finds what was worked out for the one before.

ours: `<indicator>_p95_s` and `_median_s` of a load (page, then the numbers of its charts); with `_anew_` the
same when nothing is kept between the page and its charts. There is no peer that shows the same page.
Before times are taken the numbers of the charts are compared with those worked out anew.
"""

from __future__ import annotations

import html
import json
import random
import re
import resource
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from anlan.api.routes import openapi, router
from anlan.app.config import Config
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.app.retrospects import Retrospects
from anlan.model.domain import Domain, EventCategory, Hazard, PlaceLevel, WarningLevel
from anlan.model.indicator import Band, Indicator, Rule
from anlan.model.law import Organ
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.provenance import Provenance
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.model.user import Grant, User
from anlan.ports.desk import Retrospect
from anlan.web.site import site

NOW = datetime(2026, 7, 1, 6, tzinfo=UTC)
MONDAY = datetime(2026, 6, 22, tzinfo=UTC)
WEEK, HOUR, SECOND = timedelta(days=7), timedelta(hours=1), timedelta(seconds=1)
WEEKS, PROVINCES, LOADS = 520, 31, 30
#: part of a week's cases that is reported so many weeks after its end
REPORTED = (0.35, 0.65, 0.85, 0.95, 1.0)
PASSWORD = "a password for the benchmark"


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class Nothing(Retrospects):
    """Keeps nothing: every look is worked out anew."""

    def get(self, key: Hashable, work: Callable[[], Retrospect]) -> Retrospect:  # noqa: ARG002
        return work()


def both(text: str) -> Text:
    return Text(text, text)


def nation(provinces: int) -> Pack:
    """A nation of provinces, counts that are whole at once and counts that grow, a rule for each."""
    since = Validity(date(2010, 1, 1))
    places = [Place("n", both("Nation"), "nation", None, since)]
    places += [Place(f"n/{p:02}", both(f"Province {p}"), "province", "n", since) for p in range(provinces)]
    whole = Indicator("whole", both("cases"), "health", "{case}", "count", "up", "", WEEK, 52)
    indicators = (whole, replace(whole, id="growing", settles=6 * WEEK))
    rules = [
        Rule(
            f"{one.id}-rule",
            both("more than the season explains"),
            one.id,
            "fever",
            "farrington_flexible",
            "alarm",
            "value",
            both("{place}: {value}"),
            "",
            {"b": 5, "w": 3},
            (Band(4, 1.0, "", since),),
            places=("level:province",),
        )
        for one in indicators
    ]
    return Pack(
        "bench",
        "1",
        both("Bench"),
        "0" * 64,
        (),
        places={one.id: (one,) for one in places},
        place_levels={id: PlaceLevel(id, both(id), rank) for id, rank in (("nation", 1), ("province", 2))},
        domains={"health": Domain("health", both("health"), 1, "")},
        categories={"public": EventCategory("public", both("public"), True, True, "")},
        hazards={"fever": Hazard("fever", both("fever"), "public", "health", "Health")},
        warning_levels=(WarningLevel(4, both("Blue"), "Minor", "", since),),
        organs={"office": Organ("office", both("Office"), "n")},
        indicators={one.id: one for one in indicators},
        rules={one.id: one for one in rules},
        users={"analyst": User("analyst", "office", (Grant("analyst", "n"),))},
    )


def fill(house: RunningHouse, provinces: int) -> int:
    """Rows written: of the last year of the growing counts how they grew, before it the whole."""
    made, chance, source = [], random.Random(1), Provenance("bench", "made")
    for p in range(provinces):
        for back in range(WEEKS):
            at = MONDAY - back * WEEK
            cases = sum(chance.random() < 0.1 for _ in range(60 + 8 * p))
            first = at + WEEK + 12 * HOUR
            grown = REPORTED if back < 60 else (1.0,)
            for indicator, parts in (("whole", (1.0,)), ("growing", grown)):
                for late, part in enumerate(parts):
                    known = first + late * WEEK
                    if known <= NOW:
                        value = float(round(part * cases))
                        made.append(Observation(indicator, f"n/{p:02}", at, known, value, "{case}", source))
    return house.lake.append(made).new


def load(client: TestClient[Any], indicator: str) -> tuple[float, Any]:
    """(processor seconds of a page and its charts, the numbers of the charts)."""
    began = time.process_time()
    page = client.get(f"/series/{indicator}/n/03")
    if page.status_code != 200:
        raise SystemExit(f"{indicator}: {page.status_code} {page.text[:300]}")
    address = re.search(r'data-bands="([^"]*)"', page.text)
    if address is None:
        raise SystemExit(f"{indicator}: a page without charts")
    numbers = client.get(html.unescape(address[1])).json()
    return time.process_time() - began, numbers


def main() -> None:
    warnings.simplefilter("ignore")
    provinces = 8 if "--small" in sys.argv[1:] else PROVINCES
    folder = Path(tempfile.mkdtemp(prefix="anlan-analyst-"))
    ours: dict[str, float] = {}
    agree = True
    try:
        clock = Clock()
        house = RunningHouse(folder, clock, Config("bench", "bench@x.invalid"), pack=nation(provinces))
        rows = fill(house, provinces)
        desk = RunningDesk(house)
        desk.set_password("analyst", PASSWORD)
        kept = desk._retrospects
        with TestClient(site(desk, [router()], openapi=openapi())) as client:
            client.cookies.set("anlan_session", desk.sign_in("analyst", PASSWORD))
            for indicator in ("whole", "growing"):
                shown = {}
                for how, retrospects in (("", kept), ("anew_", Nothing())):
                    desk._retrospects = retrospects
                    clock.at = NOW
                    _, shown[how] = load(client, indicator)
                    spent = []
                    for _ in range(LOADS):
                        clock.at += SECOND
                        spent.append(load(client, indicator)[0])
                    ours[f"{indicator}_{how}median_s"] = statistics.median(spent)
                    ours[f"{indicator}_{how}p95_s"] = sorted(spent)[int(len(spent) * 0.95) - 1]
                coming = "coming" in shown[""]["series"][0]
                agree = agree and shown[""] == shown["anew_"] and coming == (indicator == "growing")
        desk.close()
    finally:
        shutil.rmtree(folder)
    print(
        json.dumps(
            {
                "name": "analyst",
                "work": f"{provinces} provinces, {rows} observations, {LOADS} loads, page and charts",
                "ours": {name: round(value, 4) for name, value in ours.items()},
                "peers": {},
                "ratio": {},
                "agree": agree,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
