"""A duty room in a storm: many gusts as one card, messages of others in every state, silences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from desk import HOUR, PUBLISHED, MemoryDesk
from deskpack import LAW, NOW

from anlan.formats.values import sha256, short_id
from anlan.model.assessment import Assessment
from anlan.model.domain import Hazard
from anlan.model.entry import Draft
from anlan.model.finding import Evidence, Finding
from anlan.model.indicator import SourceDef
from anlan.model.mute import Mute, Silence
from anlan.model.notice import Group, Notice
from anlan.model.reason import Reason
from anlan.model.relayed import Feed, Relayed, RelayedArea, RelayedInfo, RelayedReference
from anlan.model.route import Inhibit
from anlan.model.sourcestate import SourceState
from anlan.model.text import Text
from anlan.warn.route import notice_id

GUSTS = 40
#: new levels a day that one officer is to look at
BUDGET = 30.0
MUTED = 3
SILENCE = "S-blasting"


def stormy(layer: Any) -> MemoryDesk:
    """The filled desk with a storm on top."""
    desk = MemoryDesk(layer)
    hazards = {
        "gale": Hazard("gale", Text("Gale", "大风"), "health", "health", "Met"),
        "dust": Hazard("dust", Text("Dust storm", "沙尘暴"), "health", "health", "Met"),
    }
    rule = next(iter(desk.pack.rules.values()))
    rules = {
        "gust": replace(rule, id="gust", title=Text("Gusts of stations", "测站阵风"), hazard="gale"),
        "dust": replace(rule, id="dust", title=Text("Dust at stations", "测站沙尘"), hazard="dust"),
    }
    feeds = {
        id: SourceDef(
            id, Text(en, zh), "cap", "own", Text("demo", "演示"), timedelta(hours=2), timedelta(hours=6)
        )
        for id, en, zh in (
            ("met-feed", "Weather service, CAP feed", "气象部门 CAP 源"),
            ("hub-feed", "National hub, CAP feed", "国家汇聚平台 CAP 源"),
            ("river-feed", "River authority, CAP feed", "水利部门 CAP 源"),
        )
    }
    inhibit = Inhibit(
        "covid-over-dust",
        Text("Dust is minor while the health warning stands", "公共卫生预警期间沙尘从略"),
        2,
        f"{LAW}#64",
        by_hazard="covid-19",
        hazards=("dust",),
    )
    health = replace(desk.pack.domains["health"], alarms_per_day=BUDGET)
    desk.pack = replace(
        desk.pack,
        domains=desk.pack.domains | {"health": health},
        hazards=desk.pack.hazards | hazards,
        rules=desk.pack.rules | rules,
        sources=desk.pack.sources | feeds,
        inhibits={inhibit.id: inhibit},
    )
    for number in range(GUSTS):
        gust(desk, number, "gust", "gale", 3 if number else 2)
    for number in range(MUTED):
        hush(desk, gust(desk, number, "dust", "dust", 4), inhibit)
    messages(desk)
    silences(desk)
    told(desk)
    return desk


def gust(desk: MemoryDesk, number: int, rule: str, hazard: str, level: int) -> Finding:
    place = "cn/110106" if number % 2 else "cn/110000"
    at = NOW - timedelta(minutes=5 * number + 1)
    one = Finding(
        f"F-{rule}-{number}", rule, "covid-cases", hazard, "health", place, at, at, "raised", "known", level,
        24.0 + number, None, 17.2, None, None, "m/s", Text("A gust", "阵风"), (),
        Evidence(at, at, at, 1, "0" * 64), "0" * 64, f"station-{number}",
    )  # fmt: skip
    title = desk.pack.hazards[hazard].title
    risk = f"R-{rule}-{number}"
    thread = Assessment(
        risk, hazard, "health", place,
        Text(f"{title.en}, station {number}", f"{title.zh},{number}号站"),
        at, at, "automatic", "open", "known", level, level, (one.id,),
    )  # fmt: skip
    desk.write(
        at,
        Draft("finding.raised", one.id, "", "system", one),
        Draft("assessment.opened", risk, risk, "system", thread, (one.id,)),
    )
    return one


def hush(desk: MemoryDesk, one: Finding, inhibit: Inhibit) -> None:
    why = Reason(
        "muted_by",
        Text(f"muted by {PUBLISHED}: {inhibit.title.en}", f"由 {PUBLISHED} 抑制：{inhibit.title.zh}"),
        inhibit.basis,
    )
    mute = Mute(
        short_id("MU", one.id), "inhibit", inhibit.id, PUBLISHED, one.id, one.rule, one.place, one.event,
        one.id.replace("F-", "R-", 1), one.hazard, "on", NOW - HOUR, None, (why,),
    )  # fmt: skip
    desk.write(NOW, Draft("mute.began", mute.id, mute.risk, "system", mute, (PUBLISHED, one.id), why.text))


def messages(desk: MemoryDesk) -> None:
    """An update by two feeds and one that came too late, a conflict, an area nobody knows, a forgery, a
    silent source."""
    relay(desk, "storm-1", sent=5, places=("cn/110000",), words="Strong wind in Beijing")
    relay(
        desk, "storm-2", "storm-1", kind="Update", sent=3, severity="Extreme",
        places=("cn/110000", "cn/130000"), words="Violent storm in Beijing and Hebei",
        feeds=("met-feed", "hub-feed"),
    )  # fmt: skip
    relay(
        desk, "storm-1b", "storm-1", kind="Update", sent=4, heard=2, places=("cn/110000",),
        words="Wind in Beijing, second bulletin", feeds=("hub-feed",),
    )  # fmt: skip
    relay(desk, "hail", sent=2, severity="Moderate", places=("cn/120000",), words="Hail in Tianjin")
    relay(
        desk, "hail", sent=2, severity="Minor", places=("cn/120000",), words="Small hail in Tianjin",
        feeds=("hub-feed",),
    )  # fmt: skip
    relay(desk, "coast", sent=2, places=(), words="High waves off the coast")
    relay(
        desk, "river", sent=9, places=("cn/650000",), words="River above the bank", feeds=("river-feed",),
        ends=None, sender="water@drill.invalid",
    )  # fmt: skip
    relay(desk, "forged", "storm-2", kind="Cancel", sent=1, held="signature_broken", feeds=("hub-feed",))
    relay(desk, "drill", sent=1, status="Exercise", places=("cn/110000",), words="Exercise: gas leak")
    dead = SourceState("river-feed", "dead", NOW - 3 * HOUR, NOW - 9 * HOUR, 1, 0)
    desk.write(NOW, Draft("source.dead", dead.source, "", "system", dead))


def relay(
    desk: MemoryDesk,
    name: str,
    *follows: str,
    kind: str = "Alert",
    sent: float = 1,
    sender: str = "met@drill.invalid",
    severity: str = "Severe",
    places: tuple[str, ...] = (),
    words: str = "",
    feeds: tuple[str, ...] = ("met-feed",),
    ends: float | None = 20,
    status: str = "Actual",
    held: str = "",
    heard: float | None = None,
) -> None:
    """`sent`, and `heard` where it was not at once: hours before now."""
    at = NOW - sent * HOUR
    known = NOW - (sent if heard is None else heard) * HOUR + timedelta(minutes=1)
    raw = f"<alert><identifier>{name}</identifier><note>{words}</note></alert>".encode()
    digest = sha256(raw)
    desk.messages[digest] = raw
    area = RelayedArea("a named sea" if not places else "area", "geocode" if places else "unresolved", places)
    info = RelayedInfo(
        "en", "Storm", words, severity, "Expected", "Likely", None, None,
        None if ends is None else NOW + ends * HOUR, (area,),
    )  # fmt: skip
    message = Relayed(
        short_id("M", sender, name, words),
        sender,
        name,
        at,
        known,
        status,
        kind,
        "Public",
        tuple(RelayedReference(sender, one, "2020-06-16T00:00:00-00:00") for one in follows),
        () if kind == "Cancel" else (info,),
        sha256(words.encode()),
        tuple(Feed(id, known + timedelta(minutes=n), digest) for n, id in enumerate(feeds)),
        "broken" if held else "unsigned",
        held,
        "not the message that was signed" if held else "",
    )
    desk.write(known, Draft("relayed.received", message.id, "", "system", message))


def silences(desk: MemoryDesk) -> None:
    one = Silence(
        SILENCE, "chen.approver", "Blasting at the quarry, announced", NOW - HOUR, NOW - HOUR,
        NOW + 5 * HOUR, ("cn/110106",), ("gale",),
    )  # fmt: skip
    old = Silence(
        "S-old", "chen.approver", "Works at the gauge", NOW - 60 * HOUR, NOW - 60 * HOUR, NOW - 50 * HOUR,
        ("cn/120000",), ("heat",), status="ended",
    )  # fmt: skip
    for item in (old, one):
        desk.write(item.set_at, Draft("silence.set", item.id, "", item.author, item))


def told(desk: MemoryDesk) -> None:
    first = Reason("first", Text("first message of this risk to them", "首次向其发送本风险消息"))
    late = Reason("out_of_hours", Text("outside their hours", "不在其接收时段"))
    below = Reason("below_level", Text("below the level they asked for", "低于其订阅的级别"))
    notice = Notice(
        notice_id(PUBLISHED), PUBLISHED, "R-beijing", NOW - 2 * HOUR,
        (
            Group("told", first, ("bj-duty",)),
            Group("held", late, ("ft-duty",), NOW + 10 * HOUR),
            Group("not_told", below, ("tj-duty",)),
        ),
    )  # fmt: skip
    desk.write(NOW, Draft("notice.decided", notice.id, notice.risk, "system", notice, (PUBLISHED,)))
