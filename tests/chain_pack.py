"""A small country with a river, earthquakes, plans and people, and a house with real stores, for the
tests of what happens between an observation and a review."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from anlan import flow
from anlan.acts import perform
from anlan.formats.values import sha256
from anlan.model.assessment import Assessment
from anlan.model.domain import Domain, EventCategory, Hazard, ResponseLevel, WarningLevel
from anlan.model.entry import Draft, Entry
from anlan.model.errors import NotFound
from anlan.model.finding import Evidence, Finding
from anlan.model.incident import Incident, Report
from anlan.model.indicator import Band, Indicator, KnownEvent, Rule, SourceDef
from anlan.model.law import Organ, Power, ReportingDuty
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.plan import Plan, PlanTask, Rung, Template
from anlan.model.provenance import Provenance
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.model.user import Grant, User
from anlan.model.warning import Delivery, Recipient, Warning
from anlan.ports.channel import Channel, Parcel, Receipt
from anlan.ports.lake import Slice
from anlan.ports.source import Batch
from anlan.store.journal import SqlJournal
from anlan.store.lake import DeltaLake
from anlan.store.lake_rows import micros, to_frame
from anlan.store.lake_view import IndicatorView
from anlan.store.messages import SqlMessages
from anlan.store.outbox import SqlOutbox
from anlan.turn import Turn
from anlan.warn import digest
from anlan.warn.render import TargetArea, render
from anlan.warn.words import words

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
T0 = datetime(2020, 6, 1, tzinfo=UTC)
LAW = "act-2010"
SINCE = Validity(date(2010, 1, 1))


def both(text: str) -> Text:
    return Text(text, text)


def user(name: str, organ: str, *grants: str, place: str = "x") -> User:
    return User(name, organ, tuple(Grant(role, place) for role in grants))


ADA = user("ada", "office", "duty", "analyst")
BEN = user("ben", "office", "approver", "supervisor", "duty")
CAI = user("cai", "office", "approver")
DEE = user("dee", "other", "approver", "duty", "analyst")
EVA = user("eva", "office", "duty", "analyst", "approver", place="x/b")

GAUGE = Rule(
    "gauge",
    both("high water"),
    "stage",
    "flood",
    "threshold",
    "alarm",
    "value",
    Text("{place}: {value} {unit}", "{place}：{value} {unit}"),
    f"{LAW}#5",
    {"limit": 3.0},
    (
        Band(4, 3.0, f"{LAW}#5", SINCE),
        Band(3, 4.0, f"{LAW}#5", SINCE),
        Band(2, 5.0, f"{LAW}#5", SINCE),
        Band(1, 6.0, f"{LAW}#5", SINCE),
    ),
    keep=3 * DAY,
    horizon=14 * DAY,
    validity=SINCE,
)
QUAKE = replace(
    GAUGE,
    id="quake",
    indicator="magnitude",
    hazard="quake",
    params={"limit": 5.0},
    keep=3 * DAY,
    bands=tuple(replace(b, at_least=b.at_least + 2) for b in GAUGE.bands),
    horizon=7 * DAY,
)

PLAN = Plan(
    "flood-plan",
    both("flood plan"),
    ("flood",),
    ("x",),
    "office",
    warn_at=3,
    opens_at=2,
    response={"1": 1, "2": 2},
    lead="office",
    valid=5 * DAY,
    template=Template(
        Text("{colour}: {hazard} in {area}", "{area}{hazard}{colour}预警"),
        both("{value} {unit}"),
        both("Move up."),
        both("Lifted: {area}."),
    ),
    tasks=(
        PlanTask("boats", both("boats out"), "office", HOUR),
        PlanTask("shelter", both("open shelters"), "office", 2 * HOUR, levels=(1,)),
    ),
    recipients=("desk", "feed"),
    basis=f"{LAW}#6",
    ladder=(Rung(2 * HOUR, ("oncall",)), Rung(HOUR, ("chief",)), Rung(HOUR, ())),
    validity=SINCE,
)


def around(km: float, lon: float = 10.0, lat: float = 50.0) -> dict[str, Any]:
    """The ground of a place without an outline."""
    return {
        "lon": lon,
        "lat": lat,
        "radius_km": km,
        "radius_basis": "made up for tests",
        "radius_basis_zh": "测试用",
    }


def chain_pack(**changes: Any) -> Pack:
    """Places x > x/a > x/a/1, x > x/b, and x/old, gone since 2020-06-10."""
    places = [
        Place("x", both("Land"), "nation", **around(60)),
        Place("x/a", both("Alpha"), "province", "x", **around(30)),
        Place("x/a/1", both("Alpha One"), "county", "x/a", **around(10)),
        Place("x/b", both("Beta"), "province", "x", **around(30, lon=10.5)),
        Place(
            "x/old",
            both("Oldland"),
            "province",
            "x",
            Validity(None, date(2020, 6, 10)),
            **around(5, lat=50.5),
        ),
    ]
    duties = [
        ReportingDuty(
            "first", "first", both("first report"), both("above"), 2 * HOUR, "incident_opened", f"{LAW}#6"
        ),
        ReportingDuty(
            "atonce",
            "first",
            both("red report"),
            both("above"),
            timedelta(0),
            "incident_opened",
            f"{LAW}#6",
            levels=(1,),
        ),
        ReportingDuty(
            "follow", "followup", both("daily report"), both("above"), DAY, "incident_opened", f"{LAW}#6", DAY
        ),
        ReportingDuty(
            "issued", "first", both("warned"), both("above"), timedelta(0), "warning_issued", f"{LAW}#6"
        ),
        ReportingDuty("final", "final", both("final"), both("above"), 30 * DAY, "response_ended", f"{LAW}#6"),
    ]
    fields: dict[str, Any] = {
        "places": {p.id: (p,) for p in places},
        "domains": {"water": Domain("water", both("water"), 1, "")},
        "categories": {"natural": EventCategory("natural", both("natural"), True, True, "")},
        "hazards": {
            id: Hazard(id, both(id), "natural", "water", "Met") for id in ("flood", "quake", "drought")
        },
        "warning_levels": tuple(
            WarningLevel(n, both(colour), severity, f"{LAW}#5", SINCE)
            for n, colour, severity in (
                (1, "Red", "Extreme"),
                (2, "Orange", "Severe"),
                (3, "Yellow", "Moderate"),
                (4, "Blue", "Minor"),
            )
        ),
        "response_levels": tuple(ResponseLevel(n, both(f"level {n}"), "", SINCE) for n in (1, 2, 3, 4)),
        "organs": {
            "office": Organ("office", both("Office"), "x"),
            "other": Organ("other", both("Other"), "x"),
            "office-a": Organ("office-a", both("Office of Alpha"), "x/a"),
        },
        "powers": (
            Power("office", "warn", f"{LAW}#5"),
            Power("office", "respond", f"{LAW}#6"),
            Power("office-a", "warn", f"{LAW}#7", ("drought",)),
        ),
        "duties": {duty.id: duty for duty in duties},
        "indicators": {
            "stage": Indicator("stage", both("stage"), "water", "m", "measure", "up", "", DAY),
            "level": Indicator("level", both("low water"), "water", "m", "measure", "down", "", DAY),
            "magnitude": Indicator("magnitude", both("M"), "water", "{magnitude}", "event", "up", ""),
        },
        "sources": {
            "gauges": SourceDef(
                "gauges",
                both("gauges"),
                "push",
                "CC0-1.0",
                both("board"),
                2 * DAY,
                7 * DAY,
                indicators=("stage", "level"),
            ),
            "seismic": SourceDef(
                "seismic",
                both("seismic"),
                "push",
                "CC0-1.0",
                both("board"),
                2 * DAY,
                7 * DAY,
                indicators=("magnitude",),
            ),
        },
        "rules": {rule.id: rule for rule in (GAUGE, QUAKE)},
        "plans": {"flood-plan": PLAN, "quake-plan": replace(PLAN, id="quake-plan", hazards=("quake",))},
        "recipients": {
            id: Recipient(id, both(id), "post", f"{id}@x.invalid", ("x",), answers=id != "feed")
            for id in ("desk", "feed", "oncall", "chief", "second")
        },
        "users": {u.name: u for u in (ADA, BEN, CAI, DEE, EVA)},
        "events": {},
    }
    fields |= changes
    return Pack("chain", "1", both("Chain"), "0" * 64, (), **fields)


def known_event(start: datetime, hours: int = 48, place: str = "x/a", id: str = "flood-1") -> KnownEvent:
    return KnownEvent(id, "flood", place, start, start + hours * HOUR, "yearbook", both("a flood"))


def stage(
    day: float,
    value: float | None,
    place: str = "x/a",
    known: datetime | None = None,
    indicator: str = "stage",
) -> Observation:
    """The value of a day, known at six the next morning."""
    at = T0 + day * DAY
    learnt = known or at + DAY + 6 * HOUR
    return Observation(indicator, place, at, learnt, value, "m", Provenance("gauges", "t"))


def quake(
    at: datetime, value: float | None, known: datetime, event: str = "q1", place: str = "x/a"
) -> Observation:
    return Observation("magnitude", place, at, known, value, "{magnitude}", Provenance("seismic", "t"), event)


class MemoryLake:
    """The lake's own view of one indicator in memory, without its files: for many short runs."""

    def __init__(self) -> None:
        self._views: dict[str, IndicatorView] = {}

    def append(self, observations: Iterable[Observation]) -> None:
        together: dict[str, list[Observation]] = {}
        for item in observations:
            together.setdefault(item.indicator, []).append(item)
        for indicator, items in together.items():
            frame = to_frame(items)
            if indicator in self._views:
                self._views[indicator].add(frame)
            else:
                self._views[indicator] = IndicatorView(frame)

    def read(
        self,
        indicator: str,
        *,
        known: datetime,
        places: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Slice:
        view = self._views.get(indicator) or IndicatorView(to_frame([]))
        first, last = (None if t is None else micros(t) for t in (since, until))
        return view.read(micros(known), places, first, last)

    def stamp(self, indicator: str, known: datetime) -> int:
        view = self._views.get(indicator)
        return 0 if view is None else view.count(micros(known))

    def digest(self, slice: Slice) -> str:
        return DeltaLake.digest(self, slice)  # type: ignore[arg-type]


def finding(
    id: str = "F-1",
    level: int | None = 3,
    change: str = "raised",
    *,
    place: str = "x/a",
    rule: str = "gauge",
    hazard: str = "flood",
    state: str = "known",
    at: datetime = T0,
    event: str = "",
    known: datetime | None = None,
) -> Finding:
    known = known or at + DAY
    return Finding(
        id,
        rule,
        "stage",
        hazard,
        "water",
        place,
        at,
        known,
        change,
        state,
        level,
        4.2,
        None,
        3.0,
        None,
        None,
        "m",
        both("high"),
        (),
        Evidence(known, at, known, 1, "0" * 64),
        "0" * 64,
        event,
    )


@dataclass
class Post:
    """A channel of the test: says what it is told to say, keeps what it got."""

    id: str = "post"
    public: bool = True
    receipts: dict[str, Receipt] = field(default_factory=dict)
    got: list[Parcel] = field(default_factory=list)

    def deliver(self, parcel: Parcel) -> Receipt:
        self.got.append(parcel)
        return self.receipts.get(parcel.recipient.id, Receipt(True, "taken"))


class Room:
    """Real lake, journal and outbox in a folder; one channel."""

    def __init__(self, folder: Path, pack: Pack) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{folder / 'journal.sqlite'}"
        self.pack, self.state, self.status = pack, State(), "Actual"
        self.sender = "test@anlan.invalid"
        self.zone: tzinfo = UTC
        self.journal, self.outbox, self.lake = SqlJournal(url), SqlOutbox(url), DeltaLake.open(folder)
        self.messages = SqlMessages(url)
        self.post, self.now = Post(), T0

    def watched(self, source: str, now: datetime) -> bool:
        return True

    def render(self, warning: Warning) -> bytes:
        areas = [TargetArea(place, ()) for place in warning.places]
        earlier = [self.state.warnings[id] for id in warning.references]
        return render(warning, self.pack, "test@anlan.invalid", areas, earlier=earlier)

    def imprinted(self, warning: Warning) -> Warning:
        return warning

    def seal(self, cap: bytes, at: datetime) -> None:
        """This house has no keys."""

    def digest(self, raw: bytes) -> str:
        return sha256(raw)

    def parcel(self, delivery: Delivery, warning: Warning, repeat: bool) -> Parcel:
        recipient = self.pack.recipients[delivery.recipient]
        if delivery.digest:
            held = self.state.digests[delivery.digest]
            listed = [self.state.warnings[id] for id in held.warnings]
            subject, body = digest.words(held, listed, self.pack, recipient.languages, self.now)
        else:
            subject, body = words(warning, self.pack, recipient.languages, repeat=repeat)
        return Parcel(delivery, warning, recipient, self.render(warning), subject, body, repeat)

    def channel(self, id: str) -> Channel:
        if id != "post":
            raise NotFound("no such channel", where="channel", found=id)
        return self.post

    def history(self, thread: Assessment, drafts: Sequence[Draft], now: datetime) -> Iterable[Entry]:
        entries = [e for e in self.journal.read() if e.risk == thread.id or e.subject in thread.findings]
        for draft in drafts:
            if draft.risk == thread.id or draft.subject in thread.findings:
                seq = self.state.head + len(entries) + 1
                entries.append(
                    Entry(
                        seq,
                        now,
                        draft.kind,
                        draft.subject,
                        draft.risk,
                        draft.actor,
                        draft.value,
                        draft.cause,
                        draft.why,
                        "",
                        "",
                    )
                )
        return entries

    def began(self) -> datetime:
        return T0

    def close(self) -> None:
        self.journal.close()
        self.outbox.close()
        self.messages.close()
        self.lake.close()

    # -- what a test does -----------------------------------------------------------------------------

    def turn(self, now: datetime, *observations: Observation, source: str = "gauges") -> None:
        """One whole turn."""
        self.now = now
        batches = (Batch(source, now, observations),) if observations else ()
        flow.end(flow.begin(self, now, batches))  # type: ignore[arg-type]

    def learn(self, item: Observation) -> None:
        """The turn in which an observation comes to be known."""
        self.turn(item.known, item)

    def act(self, now: datetime, who: User, act: str, subject: str, **fields: str) -> Turn:
        self.now = now
        turn = Turn(self, now, proof="code")  # type: ignore[arg-type]
        perform(turn, who, act, subject, fields)
        flow.warn(turn)
        flow.end(turn)
        return turn

    def run(self, until: datetime) -> None:
        """Everything that happens by itself."""
        for _ in range(1000):
            due = flow.next_due(self)  # type: ignore[arg-type]
            if due is None or due > until:
                return
            self.turn(max(due, self.now + flow.INSTANT))
        raise AssertionError("a timer does not go away")

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.journal.read()]

    def pending(self) -> list[Warning]:
        return [w for w in self.state.warnings.values() if w.status in ("draft", "submitted", "returned")]

    def only(self, status: str) -> Warning:
        (found,) = [w for w in self.state.warnings.values() if w.status == status]
        return found

    def publish(self, now: datetime) -> Warning:
        """The pending draft submitted by one person and approved by another."""
        (draft,) = self.pending()
        self.act(now, ADA, "warning.submit", draft.id)
        self.act(now + flow.INSTANT, BEN, "warning.approve", draft.id)
        return self.state.warnings[draft.id]

    def warned(self, sent: datetime, value: float = 5.0) -> str:
        """The river stands high, and the warning of it is sent at that instant; the risk."""
        self.learn(stage(0, value))
        return self.publish(sent - flow.INSTANT).risk

    def incident(self) -> Incident:
        (found,) = self.state.incidents.values()
        return found

    def report(self, duty: str) -> Report:
        """The newest of a duty."""
        return [r for r in self.state.reports.values() if r.duty == duty][-1]
