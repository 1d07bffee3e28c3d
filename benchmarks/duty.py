"""The duty page and the board of a busy nation: how long a page takes, for every role.

`duty.py [--small]`: 10,000 risks with a level (in 3,100 counties, of four hazards), 1,000 of our own messages
in force, 10,000 received ones in chains of three, 2,000 findings muted, and a journal of 1,000,000 entries
(--small: a tenth of everything). The journal is a real one on disk, its fold the real one, and each request
goes through the whole application: session, access, page. One user for each role, at the nation or one
province; 20 requests each after one that is not counted.

ours: `<page>_p95_s` over all roles by processor time, `<page>_wall_p95_s` by the clock on the wall (other
work on the machine is in it), `<page>_spread` the slowest role's median over the fastest's of those that see
the whole. `hub_s` resolves all chains from nothing, `board_s` the board from chains that are resolved.
There is no peer that shows the same page. Before times are taken the page is compared with what a plain
count says: every risk is on exactly one card, and every message in force is on the board.
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from anlan.api.routes import openapi, router
from anlan.app.config import Config
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.domain import Domain, EventCategory, Hazard, PlaceLevel, WarningLevel
from anlan.model.entry import Draft
from anlan.model.finding import Evidence, Finding
from anlan.model.indicator import SourceDef
from anlan.model.law import Organ
from anlan.model.mute import Mute
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.reason import Reason
from anlan.model.relayed import Feed, Relayed, RelayedArea, RelayedInfo, RelayedReference
from anlan.model.sourcestate import SourceState
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.model.user import ROLES, Grant, User
from anlan.model.warning import Contents, Warning
from anlan.store.journal import SqlJournal
from anlan.warn import hub
from anlan.warn.group import cards
from anlan.warn.in_force import board
from anlan.web.duty import duty
from anlan.web.site import site

NOW = datetime(2026, 7, 1, 6, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PROVINCES, COUNTIES = 31, 100
HAZARDS = ("gale", "rain", "flood", "heat")
PASSWORD = "a password for the benchmark"
REQUESTS = 20
BULK = 5_000


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        return NOW


def both(text: str) -> Text:
    return Text(text, text)


def nation() -> Pack:
    """A nation of provinces and counties, a user for every role."""
    since = Validity(date(2020, 1, 1))
    places = [Place("n", both("Nation"), "nation")]
    for p in range(PROVINCES):
        places.append(Place(f"n/{p:02}", both(f"Province {p}"), "province", "n", since, 40_000_000, 2020))
        places += [
            Place(f"n/{p:02}/{c:02}", both(f"County {p}-{c}"), "county", f"n/{p:02}", since, 400_000, 2020)
            for c in range(COUNTIES)
        ]
    users = {role: User(role, "office", (Grant(role, "n"),)) for role in ROLES}
    users["province"] = User("province", "office", (Grant("duty", "n/03"), Grant("approver", "n/03")))
    return Pack(
        "bench",
        "1",
        both("Bench"),
        "0" * 64,
        (),
        places={one.id: (one,) for one in places},
        place_levels={
            id: PlaceLevel(id, both(id), rank) for id, rank in (("nation", 1), ("province", 2), ("county", 4))
        },
        domains={"weather": Domain("weather", both("weather"), 1, "")},
        categories={"natural": EventCategory("natural", both("natural"), True, True, "")},
        hazards={id: Hazard(id, both(id), "natural", "weather", "Met") for id in HAZARDS},
        warning_levels=tuple(
            WarningLevel(n, both(colour), severity, "", since)
            for n, colour, severity in (
                (1, "Red", "Extreme"),
                (2, "Orange", "Severe"),
                (3, "Yellow", "Moderate"),
                (4, "Blue", "Minor"),
            )
        ),
        organs={"office": Organ("office", both("Office"), "n")},
        sources={
            f"feed-{n}": SourceDef(
                f"feed-{n}",
                both(f"feed {n}"),
                "push",
                "own",
                both("x"),
                timedelta(hours=2),
                timedelta(days=1),
            )
            for n in range(20)
        },
        users=users,
    )


def county(n: int) -> str:
    return f"n/{n % PROVINCES:02}/{n // PROVINCES % COUNTIES:02}"


def rows(scale: int) -> Iterator[Draft]:
    """Everything that stands, then heartbeats until the journal is long enough."""
    risks, own, received = 10_000 // scale, 1_000 // scale, 10_000 // scale
    count = 0
    for n in range(risks):
        level, hazard, place = n % 4 + 1, HAZARDS[n % 4], county(n)
        id = f"R-{n}"
        found = Finding(
            f"F-{n}", f"rule-{hazard}", "wind", hazard, "weather", place, NOW - n * SECOND, NOW, "raised",
            "known", level, 20.0, 5.0, 17.2, 3.0, 10.0 ** -(n % 9), "m/s", both("Strong wind."), (),
            Evidence(NOW, NOW, NOW, 1, "0" * 64), "0" * 64, f"station-{n}",
        )  # fmt: skip
        risk = Assessment(
            id, hazard, "weather", place, both(f"{hazard}, {place}"), NOW - n * SECOND, NOW - n * SECOND,
            "automatic", "open", "known", level, level, (found.id,),
        )  # fmt: skip
        yield Draft("finding.raised", found.id, "", "system", found)
        yield Draft("assessment.opened", id, id, "system", risk, (found.id,))
        count += 2
    for n in range(2_000 // scale):
        why = Reason("muted_by", both("muted by the red warning"))
        mute = Mute(
            f"MU-{n}", "inhibit", "storm", "W-0", f"F-{4 * n}", "rule-gale", county(4 * n),
            f"station-{4 * n}", f"R-{4 * n}", "gale", "on", NOW, None, (why,),
        )  # fmt: skip
        yield Draft("mute.began", mute.id, mute.risk, "system", mute)
        count += 1
    words = Contents(both("c"), NOW, both("a"), both("m"), both("d"), both("i"))
    for n in range(own):
        status = ("approved", "submitted", "draft")[n % 10 // 8]
        sent = NOW - n * SECOND if status == "approved" else None
        one = Warning(
            f"W-{n}", f"R-{n}", "alert", status, "Actual", "Public", HAZARDS[n % 4], n % 4 + 1, (county(n),),
            words, both(f"Warning {n}"), NOW, NOW + timedelta(hours=1 + n % 90), "office", "", "duty",
            "approver" if sent else "", NOW, sent,
        )  # fmt: skip
        yield Draft(f"warning.{status}", one.id, one.risk, "duty", one)
        count += 1
    for n in range(received):
        message = relayed(n)
        yield Draft("relayed.received", message.id, "", "system", message)
        count += 1
    for n in range(count, 1_000_000 // scale):
        source = f"feed-{n % 20}"
        yield Draft("source.fresh", source, "", "system", SourceState(source, "fresh", NOW, NOW, n, 0))


def relayed(n: int) -> Relayed:
    """Every third an alert, then two updates of it."""
    sent = NOW - timedelta(hours=3) + n * SECOND / 10
    follows = () if n % 3 == 0 else (RelayedReference("met@x.invalid", f"m-{n - 1}", "2026-07-01T00:00:00Z"),)
    area = RelayedArea("county", "geocode", (county(n // 3), county(n // 3 + 1)))
    info = RelayedInfo(
        "en", "Storm", f"Storm {n}", ("Extreme", "Severe", "Moderate", "Minor")[n % 4], "Expected", "Likely",
        None, None, NOW + timedelta(hours=n % 50), (area,),
    )  # fmt: skip
    digest = f"{n:064x}"
    return Relayed(
        short_id("M", str(n)), "met@x.invalid", f"m-{n}", sent, sent, "Actual",
        "Update" if follows else "Alert", "Public", follows, (info,), digest,
        (Feed(f"feed-{n % 20}", sent, digest),),
    )  # fmt: skip


def fill(folder: Path, scale: int) -> int:
    """The journal on disk; the number of its entries."""
    journal = SqlJournal(f"sqlite:///{folder / 'journal.sqlite'}")
    batch: list[Draft] = []
    for draft in rows(scale):
        batch.append(draft)
        if len(batch) == BULK:
            journal.append(batch, NOW)
            batch = []
    if batch:
        journal.append(batch, NOW)
    head = journal.head()[0]
    journal.close()
    return head


def measured(client: TestClient[Any], path: str) -> tuple[list[float], list[float]]:
    """(processor, wall) seconds of each request."""
    spent, passed = [], []
    for number in range(REQUESTS + 1):
        cpu, wall = time.process_time(), time.perf_counter()
        answer = client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text[:300]}")
        if number:
            spent.append(time.process_time() - cpu)
            passed.append(time.perf_counter() - wall)
    return spent, passed


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95) - 1]


def agrees(desk: RunningDesk) -> bool:
    """Every risk stands on one card, every message in force on the board."""
    state, pack = desk.state(), desk.pack
    seen = duty(desk, state, bool, NOW)
    live = [a for a in state.assessments.values() if a.verdict == "open"]
    members = [id for card in cards(live, state, pack, NOW) for id in card.risks]
    found = board(state, pack, NOW)
    lines = {line.id for line in found.lines}
    ends = {m.id for m in state.relayed.values() if any(i.expires and i.expires > NOW for i in m.infos)}
    followed = {r.identifier for m in state.relayed.values() for r in m.references}
    stands = {id for id in ends if state.relayed[id].identifier not in followed}
    own = {w.id for w in state.warnings.values() if w.status == "approved" and w.expires > NOW}
    return (
        sorted(members) == sorted(a.id for a in live)
        and lines == stands | own
        and seen.in_force.total == len(own)
        and seen.unconfirmed.total > 0
        and seen.muted.total > 0
    )


def main() -> None:
    warnings.simplefilter("ignore")
    scale = 10 if "--small" in sys.argv[1:] else 1
    folder = Path(tempfile.mkdtemp(prefix="anlan-duty-"))
    try:
        began = time.perf_counter()
        entries = fill(folder, scale)
        print(f"{entries} entries written in {time.perf_counter() - began:.1f} s", flush=True)
        config = Config("bench", "bench@x.invalid")
        began = time.perf_counter()
        house = RunningHouse(folder, Clock(), config, pack=nation())
        desk = RunningDesk(house)
        print(f"folded in {time.perf_counter() - began:.1f} s", flush=True)
        agree = agrees(desk)
        for name in desk.pack.users:
            desk.set_password(name, PASSWORD)
        began = time.process_time()
        links = hub.chains(desk.state().relayed.values())
        ours = {"hub_s": time.process_time() - began}
        began = time.process_time()
        board(desk.state(), desk.pack, NOW, links)
        ours["board_s"] = time.process_time() - began
        app = site(desk, [router()], openapi=openapi())
        pages = {
            "duty": "/",
            "in_force": "/in-force",
            "silences": "/silences",
            "api": "/v1/in-force?limit=200",
        }
        for name, path in pages.items():
            cpus, walls, medians = [], [], {}
            for user in desk.pack.users:
                with TestClient(app) as client:
                    token = desk.sign_in(user, PASSWORD)
                    client.cookies.set("anlan_session", token)
                    client.headers["authorization"] = f"Bearer {token}"
                    spent, passed = measured(client, path)
                cpus += spent
                walls += passed
                medians[user] = statistics.median(spent)
            whole = [value for user, value in medians.items() if user != "province"]
            ours[f"{name}_p95_s"] = p95(cpus)
            ours[f"{name}_wall_p95_s"] = p95(walls)
            ours[f"{name}_spread"] = max(whole) / min(whole)
            print(f"{name:10} " + "  ".join(f"{u} {m * 1000:.0f}" for u, m in medians.items()), flush=True)
        desk.close()
    finally:
        shutil.rmtree(folder)
    print(
        json.dumps(
            {
                "name": "duty",
                "work": f"{10_000 // scale} risks, {entries} entries, {REQUESTS} requests a role",
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
