"""A whole Desk in memory: a journal that is folded, accounts, intake. For tests of console and API."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from desklake import DeskLake
from deskpack import LAW, NOW, pack
from lxml import etree

from anlan.assess.clusters_seen import clusters_seen
from anlan.assess.retrospect import later, retrospect
from anlan.formats.lengths import cell_broadcast
from anlan.formats.values import canonical, sha256, short_id, to_plain
from anlan.model.assessment import Assessment
from anlan.model.entry import Draft, Entry, Handover, Value
from anlan.model.errors import Hostile, NotAllowed, NotFound, Unreadable, WrongState
from anlan.model.finding import Evidence, Finding
from anlan.model.incident import Incident, Report, StandDown, Task
from anlan.model.pack import GeometryLayer
from anlan.model.quarantine import Quarantined
from anlan.model.reason import Reason
from anlan.model.review import Lesson, Review, Scores
from anlan.model.sourcestate import SourceState
from anlan.model.state import State, fold
from anlan.model.text import Text
from anlan.model.time import format_instant
from anlan.model.user import User
from anlan.model.warning import Contents, Delivery, Warning
from anlan.ports.desk import ClustersSeen, IngestResult, PlaceSeries, Retrospect, Shown, Unreported
from anlan.warn.words import headline

PASSWORD = "correct horse"
RISK, SUBMITTED, PUBLISHED, INCIDENT = "R-beijing", "W-beijing-2", "W-beijing-1", "I-beijing"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class FixedClock:
    """Stands still until it is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class MemoryDesk:
    """Implements anlan.ports.desk.Desk over a list of entries."""

    def __init__(self, layer: GeometryLayer, mode: str = "live", filled: bool = True) -> None:
        self.pack = pack(layer)
        self.clock = FixedClock(NOW)
        self.mode = mode
        self._journal: list[Entry] = []
        self._tokens: dict[str, str] = {}
        self._taken: set[str] = set()
        self._held: list[Quarantined] = []
        self.messages: dict[str, bytes] = {}
        self.zone = UTC
        self._lake: Any = DeskLake()
        self._lock = threading.Lock()
        self.stopped: tuple[Unreported, ...] = ()
        if filled:
            fill(self)

    def write(self, at: datetime, *drafts: Draft) -> tuple[str, ...]:
        with self._lock:
            for draft in drafts:
                previous = self._journal[-1].digest if self._journal else ""
                seq = len(self._journal) + 1
                digest = sha256(canonical([seq, previous, draft.kind, draft.subject]))
                self._journal.append(
                    Entry(
                        seq,
                        at,
                        draft.kind,
                        draft.subject,
                        draft.risk,
                        draft.actor,
                        draft.value,
                        draft.cause,
                        draft.why,
                        previous,
                        digest,
                    )
                )
        return tuple(draft.subject for draft in drafts)

    def state(self) -> State:
        return fold(tuple(self._journal))

    def entries(self, risk: str) -> Sequence[Entry]:
        return [entry for entry in self._journal if entry.risk == risk]

    def changes(self, after: int, limit: int | None = None) -> Sequence[Entry]:
        return self._journal[after : None if limit is None else after + limit]

    def as_known(self, known: datetime, tables: Collection[str]) -> State:
        state = State()
        for entry in self._journal:
            if entry.at <= known:
                state.put(entry.subject, entry.value)
        return state

    def last_handover(self) -> Entry | None:
        return next((e for e in reversed(self._journal) if isinstance(e.value, Handover)), None)

    def series(self, indicator: str, place: str) -> Sequence[tuple[datetime, float | None]]:
        if indicator != "covid-cases":
            return []
        start = (NOW - timedelta(days=59)).replace(hour=0)
        wave = {55: 7.0, 56: 36.0, 57: 36.0, 58: 36.0, 59: 27.0, 31: None}
        return [(start + n * DAY, wave.get(n, 0.0)) for n in range(60)]

    def unreported(self) -> Sequence[Unreported]:
        return self.stopped

    def retrospect(
        self, rule: str, known: datetime, periods: int, places: Sequence[str] | None = None
    ) -> Retrospect:
        if rule not in self.pack.rules:
            raise NotFound("no such rule", where="rule", found=repr(rule))
        return retrospect(self.pack.rules[rule], self.pack, self._lake, known, periods, places)

    def later(self, seen: Retrospect, rule: str, place: str) -> PlaceSeries:
        return later(seen, self.pack.rules[rule], self.pack, self._lake, place, self.clock.now())

    def clusters(
        self,
        indicator: str,
        places: Sequence[str],
        known: datetime,
        timing: Literal["prospective", "retrospective"],
    ) -> ClustersSeen:
        if indicator not in self.pack.indicators:
            raise NotFound("no such indicator", where="indicator", found=repr(indicator))
        return clusters_seen(self.pack.indicators[indicator], self.pack, self._lake, places, known, timing)

    def learnt(self, indicator: str, place: str) -> Sequence[datetime]:
        return self._lake.learnt(indicator, place)

    def cap(self, warning_id: str) -> bytes:
        warning = self.state().warnings.get(warning_id)
        if warning is None:
            raise NotFound("no such warning", where="warning", found=repr(warning_id))
        return cap_of(warning, self)

    def received(self, digest: str) -> bytes:
        if digest not in self.messages:
            raise NotFound("no message with this digest", where="messages", found=digest)
        return self.messages[digest]

    def story(self, delivery: str) -> Sequence[Entry]:
        return [entry for entry in self._journal if entry.subject == delivery]

    def asked(self, token: str) -> Delivery:
        raise NotFound("no such link", where="answer")

    def receive(self, delivery: str, what: str, token: str, text: str = "") -> None:
        raise NotAllowed("the token is not this delivery's", where=f"delivery {delivery}")

    def replied(self, sender: str, text: str, stamp: str, signature: str, body: bytes) -> str:
        raise NotAllowed("no gateway for replies is set up", where="sms")

    def quarantined(self) -> Sequence[Quarantined]:
        return list(reversed(self._held))

    def explain(self, id: str) -> Mapping[str, Any]:
        found = [entry for entry in self._journal if entry.subject == id]
        if not found:
            raise NotFound("nobody issued this identifier", where="id", found=repr(id))
        return {"id": id, "entries": [to_plain(entry.value) for entry in found]}

    def rehearse(self, user: User, act: str, subject: str, fields: Mapping[str, str]) -> Warning:
        raise WrongState("this desk writes no messages", where=act)

    def unmet(self, warning: Warning) -> Sequence[Text]:
        return ()

    def shown(self, warning: Warning) -> Sequence[Shown]:
        found = []
        for language in ("zh", "en"):
            said = headline(warning, language)
            room = cell_broadcast(said)
            found.append(
                Shown(
                    "cell_broadcast",
                    language,
                    "headline",
                    said,
                    room.used,
                    room.limit,
                    room.unit,
                    room.parts,
                    source=room.source,
                )
            )
        return found

    def versions(self, warning_id: str) -> Sequence[Entry]:
        return [entry for entry in self._journal if entry.subject == warning_id]

    def second_factor(self, user: User) -> tuple[str, int]:
        return ("active", 10) if user.name == "chen.approver" else ("none", 0)

    def enrol(self, user: User, password: str, code: str = "") -> tuple[str, str]:
        raise NotAllowed("this desk enrols nobody")

    def confirm_enrolment(self, user: User, code: str) -> tuple[str, ...]:
        raise NotAllowed("this desk enrols nobody")

    def sign_in(self, name: str, password: str) -> str:
        if name not in self.pack.users or password != PASSWORD:
            raise NotAllowed("name and password do not fit")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = name
        return token

    def user(self, token: str) -> User | None:
        name = self._tokens.get(token)
        return self.pack.users[name] if name else None

    def sign_out(self, token: str) -> None:
        self._tokens.pop(token, None)

    def ingest(self, raw: bytes, content_type: str, source: str) -> IngestResult:
        if source not in self.pack.sources:
            raise NotFound("no such source", where="source", found=repr(source))
        if len(raw) > 1_000_000:
            raise Hostile("too large", where=source)
        try:
            rows = json.loads(raw)
        except ValueError as error:
            raise Unreadable("not JSON", where=source, found=str(error)) from error
        new, repeated, held = 0, 0, []
        for number, row in enumerate(rows):
            key = sha256(canonical(row))
            if row.get("indicator") not in self.pack.indicators:
                item = short_id("Q", source, key)
                held.append(item)
                sentence = f"{source}: record {number}: unknown indicator; found {row.get('indicator')!r}"
                self._held.append(
                    Quarantined(
                        item,
                        source,
                        "push",
                        number,
                        self.clock.now(),
                        "unknown_indicator",
                        sentence,
                        canonical(row),
                    )
                )
            elif key in self._taken:
                repeated += 1
            else:
                self._taken.add(key)
                new += 1
        return IngestResult(new, repeated, tuple(held))

    def act(self, user: User, act: str, subject: str, fields: Mapping[str, str]) -> tuple[str, ...]:
        state, now = self.state(), self.clock.now()
        words = fields.get("reason") or "–"
        why = Text(words, words)

        def put(kind: str, value: Value, risk: str) -> tuple[str, ...]:
            return self.write(now, Draft(kind, value.id, risk, user.name, value, (), why))

        match act:
            case "assessment.confirm" | "assessment.dismiss":
                a = state.assessments[subject]
                if a.verdict != "open":
                    raise WrongState("the assessment is decided already", where=a.id, found=a.verdict)
                verdict = "confirmed" if act.endswith("confirm") else "dismissed"
                return put(
                    f"assessment.{verdict}",
                    replace(a, verdict=verdict, status="reviewed", updated=now, by=user.name),
                    a.id,
                )
            case "assessment.watch":
                a = state.assessments[subject]
                seen = replace(
                    a,
                    status="reviewed",
                    updated=now,
                    by=user.name,
                    reasons=(*a.reasons, Reason("watched", why)),
                )
                return put("assessment.watched", seen, a.id)
            case "warning.submit":
                w = state.warnings[subject]
                if w.status not in ("draft", "returned"):
                    raise WrongState("only a draft can be submitted", where=w.id, found=w.status)
                return put(
                    "warning.submitted",
                    replace(w, status="submitted", author=user.name, submitted=now),
                    w.risk,
                )
            case "warning.approve" | "warning.return" | "warning.reject":
                return self._decide(user, act, state.warnings[subject], now, put, fields.get("code", ""))
            case "delivery.answer":
                d = state.deliveries[subject]
                if d.answered:
                    raise WrongState("it is answered already", where=d.id)
                return put(
                    "delivery.answered",
                    replace(d, status="answered", answered=now, answer=fields["answer"]),
                    d.risk,
                )
            case "task.done":
                t = state.tasks[subject]
                return put(
                    "task.done",
                    replace(t, status="done", done=now, by=user.name, note=fields["note"]),
                    t.risk,
                )
            case "report.file":
                r = state.reports[subject]
                status = "late" if now > r.due else "filed"
                return put(
                    "report.filed",
                    replace(r, status=status, filed=now, by=user.name, text=fields["text"]),
                    r.risk,
                )
            case "incident.stand_down":
                i = state.incidents[subject]
                end = StandDown(
                    f"S-{i.id}",
                    i.id,
                    i.risk,
                    now,
                    user.name,
                    user.organ,
                    f"{LAW}#72",
                    Reason("over", why),
                    1,
                    1,
                )
                put(
                    "incident.stood_down",
                    replace(i, status="stood_down", stood_down=now, stood_down_by=user.name),
                    i.risk,
                )
                return put("stand_down.recorded", end, i.risk)
            case "lesson.done":
                item = state.lessons[subject]
                return put("lesson.done", replace(item, status="done", done=now), item.risk)
            case "handover":
                note = Handover(
                    short_id("H", user.name, str(state.head)), user.name, fields["to"], fields["note"]
                )
                return self.write(now, Draft("handover.given", note.id, "", user.name, note))
        raise WrongState("this desk does not do that", where=act)

    def _decide(
        self, user: User, act: str, w: Warning, now: datetime, put: Any, code: str
    ) -> tuple[str, ...]:
        if w.status != "submitted":
            raise WrongState("only a submitted warning can be decided", where=w.id, found=w.status)
        if w.author == user.name:
            raise NotAllowed("author and approver are the same person", basis=f"{LAW}#64")
        if act == "warning.approve":
            if not code:
                raise NotAllowed("the one-time code does not fit, or was used before")
            sent = replace(w, status="approved", approver=user.name, sent=now)
            return put("warning.approved", replace(sent, digest=sha256(cap_of(sent, self))), w.risk)
        status = "returned" if act == "warning.return" else "rejected"
        return put(f"warning.{status}", replace(w, status=status), w.risk)


def cap_of(warning: Warning, desk: MemoryDesk) -> bytes:
    """A CAP 1.2 document, enough to be looked at."""
    ns = "urn:oasis:names:tc:emergency:cap:1.2"
    root = etree.Element(f"{{{ns}}}alert", nsmap={None: ns})

    def add(parent: Any, name: str, text: str) -> None:
        etree.SubElement(parent, f"{{{ns}}}{name}").text = text

    add(root, "identifier", warning.id)
    add(root, "sender", warning.organ)
    add(root, "sent", format_instant(warning.sent or warning.drafted))
    for name, text in (
        ("status", warning.mode),
        ("msgType", warning.change.capitalize()),
        ("scope", warning.scope),
    ):
        add(root, name, text)
    for language, tongue in (("zh-CN", "zh"), ("en", "en")):
        info = etree.SubElement(root, f"{{{ns}}}info")
        add(info, "language", language)
        add(info, "category", desk.pack.hazards[warning.hazard].cap_category)
        add(info, "event", desk.pack.hazards[warning.hazard].title.in_(tongue))
        add(info, "headline", warning.headline.in_(tongue))
        add(info, "description", warning.contents.matters.in_(tongue))
        add(info, "instruction", warning.contents.measures.in_(tongue))
        area = etree.SubElement(info, f"{{{ns}}}area")
        add(area, "areaDesc", warning.contents.area.in_(tongue))
    etree.indent(root)
    raw: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return raw


def warning_of(id: str, status: str, level: int, change: str = "alert", **more: Any) -> Warning:
    en = {1: "Red", 2: "Orange", 3: "Yellow", 4: "Blue"}[level]
    zh = {1: "红色", 2: "橙色", 3: "黄色", 4: "蓝色"}[level]
    values: dict[str, Any] = {
        "id": id,
        "risk": RISK,
        "change": change,
        "status": status,
        "mode": "Actual",
        "scope": "Public",
        "hazard": "covid-19",
        "level": level,
        "places": ("cn/110000",),
        "contents": Contents(
            Text("Public health event", "公共卫生事件"),
            NOW - DAY,
            Text("Beijing", "北京市"),
            Text(
                "Case numbers rise quickly around the Xinfadi market after 57 days without a local case.",
                "连续57天无本地病例后，新发地市场相关病例快速增加。",
            ),
            Text(
                "If you were at the market since 30 May: stay at home, call 12320 and be tested. Wear "
                "a mask in closed rooms.",
                "5月30日以来到过该市场的人员请居家，拨打12320并接受检测。在密闭场所佩戴口罩。",
            ),
            Text("Beijing Municipal People's Government", "北京市人民政府"),
        ),
        "headline": Text(f"{en} warning: COVID-19 in Beijing", f"北京市新冠肺炎疫情{zh}预警"),
        "drafted": NOW - 2 * HOUR,
        "expires": NOW + 5 * DAY,
        "organ": "bj-gov",
        "basis": f"{LAW}#64",
        "author": "li.duty",
        "plan": "bj-health",
        "reasons": (
            Reason(
                "raised",
                Text("36 cases on each of two days; the rule's level is 2", "连续两日各36例，达到规则2级"),
                "",
            ),
        ),
    }
    return Warning(**{**values, **more})


def fill(desk: MemoryDesk) -> None:
    """A day in the duty room: something in every state that a page can show."""
    noted: list[tuple[datetime, Draft]] = []

    def later(at: datetime, *drafts: Draft) -> None:
        noted.extend((at, draft) for draft in drafts)

    risks = {
        RISK: ("cn/110000", "COVID-19 returns in Beijing", "北京市新冠肺炎疫情反弹", "open", 2, "known"),
        "R-xinjiang": ("cn/650000", "Heat wave in Xinjiang", "新疆高温", "open", None, "unknown"),
        "R-tianjin": ("cn/120000", "Imported cases in Tianjin", "天津市输入病例", "confirmed", 4, "known"),
    }
    t0 = NOW - 4 * DAY
    for id, (place, en, zh, verdict, level, known) in risks.items():
        findings = ("F-0", "F-1", "F-2") if id == RISK else ()
        hazard = "heat" if id == "R-xinjiang" else "covid-19"
        assessment = Assessment(
            id,
            hazard,
            "health",
            place,
            Text(en, zh),
            t0,
            NOW - 3 * HOUR,
            "automatic",
            verdict,
            known,
            level,
            level,
            findings,
        )
        later(t0 + timedelta(seconds=3), Draft("assessment.opened", id, id, "system", assessment, findings))
    for n, (when, level, value) in enumerate(
        ((t0 + timedelta(seconds=2), 4, 7.0), (t0 + DAY, 3, 36.0), (t0 + 2 * DAY, 2, 36.0))
    ):
        at = when.replace(hour=0)
        finding = Finding(
            f"F-{n}",
            "covid-restart",
            "covid-cases",
            "covid-19",
            "health",
            "cn/110000",
            at,
            when,
            "raised",
            "known",
            level,
            value,
            0.2,
            5.0,
            9.1,
            None,
            "{case}",
            Text(f"Beijing: {value:.0f} new cases, 0.2 expected", f"北京市：新增{value:.0f}例，预期0.2例"),
            (
                Reason(
                    "threshold_reached",
                    Text("at or above 5 after a quiet fortnight", "两周平静后达到5例"),
                    f"{LAW}#64",
                ),
            ),
            Evidence(when, at - 60 * DAY, at + DAY, 57 + n, "ab" * 32),
            "0" * 64,
        )
        later(when, Draft("finding.raised", finding.id, RISK, "system", finding))
    published = warning_of(
        PUBLISHED,
        "approved",
        3,
        sent=t0 + DAY + 2 * HOUR,
        approver="chen.approver",
        drafted=t0 + DAY,
        expires=NOW + 20 * HOUR,
    )
    published = replace(published, digest=sha256(cap_of(published, desk)))
    at = t0 + DAY
    later(
        at + 10 * timedelta(minutes=1),
        Draft(
            "warning.drafted",
            PUBLISHED,
            RISK,
            "li.duty",
            replace(published, status="draft", approver="", sent=None, digest=""),
        ),
    )
    later(
        at + 2 * HOUR,
        Draft(
            "warning.approved",
            PUBLISHED,
            RISK,
            "chen.approver",
            published,
            (),
            Text("confirmed by the CDC", "疾控中心已核实"),
        ),
    )
    for n, (recipient, status, answer) in enumerate(
        (("bj-duty", "answered", "received"), ("ft-duty", "accepted", ""), ("tj-duty", "failed", ""))
    ):
        delivery = Delivery(
            f"D-{n}",
            PUBLISHED,
            RISK,
            recipient,
            "webhook",
            n,
            status,
            at + 2 * HOUR,
            NOW + timedelta(minutes=(-25, 12, -3)[n]),
            at + 2 * HOUR,
            NOW - DAY if answer else None,
            answer,
            1 + n,
        )
        later(
            at + 2 * HOUR + timedelta(seconds=30),
            Draft(f"delivery.{status}", delivery.id, RISK, "system", delivery),
        )
    incident = Incident(
        INCIDENT,
        RISK,
        Text("COVID-19, Xinfadi market, Beijing", "北京新发地市场新冠肺炎疫情"),
        "covid-19",
        "cn/110000",
        "bj-health",
        2,
        "bj-gov",
        f"{LAW}#72",
        at + 2 * HOUR,
        PUBLISHED,
    )
    later(
        at + 2 * HOUR + timedelta(minutes=1),
        Draft("incident.opened", INCIDENT, RISK, "system", incident, (PUBLISHED,)),
    )
    night = Handover("H-0", "zhao.duty", "li.duty", "watch the market; Tianjin has been asked")
    later(NOW - 6 * HOUR, Draft("handover.given", night.id, "", "zhao.duty", night))
    tasks = (
        ("T-trace", "Trace the contacts of every case", "流调溯源", -3 * HOUR, "overdue"),
        ("T-close", "Close the market and disinfect it", "关闭市场并全面消杀", -40 * HOUR, "done"),
        ("T-test", "Test everybody who works or shops there", "对从业人员和顾客开展检测", 9 * HOUR, "open"),
    )
    for id, en, zh, due, status in tasks:
        task = Task(
            id, INCIDENT, RISK, "trace", Text(en, zh), "bj-cdc", at + 2 * HOUR, NOW + due, f"{LAW}#72", status
        )
        if status == "done":
            task = replace(task, done=NOW - 50 * HOUR, by="wu.field", note="closed at 03:00")
        later(NOW - 5 * HOUR, Draft(f"task.{status}", id, RISK, "system", task))
    for id, en, zh, due, status in (
        ("P-first", "First report to the State Council", "向国务院首报", -60 * HOUR, "filed"),
        ("P-follow", "Follow-up report", "续报", -20 * timedelta(minutes=1), "owed"),
        ("P-next", "Daily follow-up report", "每日续报", 18 * HOUR, "owed"),
    ):
        report = Report(
            id,
            INCIDENT,
            RISK,
            "d",
            "followup",
            Text(en, zh),
            Text("State Council", "国务院"),
            NOW + due,
            f"{LAW}#64",
            status,
        )
        if status == "filed":
            report = replace(
                report, filed=NOW - 62 * HOUR, by="li.duty", text="Seven cases.\nSource: market."
            )
        later(NOW - 5 * HOUR, Draft(f"report.{status}", id, RISK, "system", report))
    submitted = warning_of(
        SUBMITTED,
        "submitted",
        2,
        "update",
        submitted=NOW - HOUR,
        references=(PUBLISHED,),
        places=("cn/110000", "cn/650000"),
    )
    drafted = warning_of("W-tianjin", "draft", 4, places=("cn/120000",), risk="R-tianjin")
    later(
        NOW - 2 * HOUR,
        Draft(
            "warning.drafted", SUBMITTED, RISK, "li.duty", replace(submitted, status="draft", submitted=None)
        ),
    )
    later(NOW - HOUR, Draft("warning.submitted", SUBMITTED, RISK, "li.duty", submitted))
    later(NOW - HOUR, Draft("warning.drafted", "W-tianjin", "R-tianjin", "system", drafted))
    exercise = warning_of(
        "W-exercise",
        "approved",
        1,
        mode="Exercise",
        sent=NOW - HOUR,
        approver="chen.approver",
        author="zhao.duty",
        scope="Restricted",
    )
    later(NOW - HOUR, Draft("warning.approved", "W-exercise", RISK, "chen.approver", exercise))
    review = Review(
        "V-1",
        RISK,
        INCIDENT,
        NOW - HOUR,
        (),
        "hit",
        "xinfadi",
        -DAY,
        (Scores("covid-restart", 21, 3, 10, 0.875, 0.3226, 0.6176, DAY),),
        ("L-1",),
        1,
        1,
        1,
        0,
    )
    lesson = Lesson(
        "L-1",
        RISK,
        Text("Sample market environments every week", "每周开展市场环境采样"),
        "bj-cdc",
        NOW + 30 * DAY,
    )
    later(
        NOW - HOUR,
        Draft("review.made", "V-1", RISK, "system", review),
        Draft("lesson.noted", "L-1", RISK, "system", lesson),
    )
    for id, status, last, count in (
        ("covid-daily", "fresh", NOW - 5 * HOUR, 20_412),
        ("hospital-push", "late", NOW - 9 * HOUR, 812),
        ("market-survey", "dead", NOW - 40 * DAY, 77),
    ):
        held = SourceState(id, status, last, last, count, 1 if id == "hospital-push" else 0)
        later(NOW - HOUR, Draft(f"source.{status}", id, "", "system", held))
    for at, draft in sorted(noted, key=lambda row: row[0]):
        desk.write(at, draft)
    desk.ingest(
        json.dumps([{"indicator": "nonsense", "value": 3}]).encode(), "application/json", "hospital-push"
    )
