"""A country of one province and two counties with warnings in every state, for tests of the public site."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from anlan.formats.values import sha256
from anlan.model.domain import Hazard, WarningLevel
from anlan.model.indicator import SourceDef
from anlan.model.law import Article, Law
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.sourcestate import SourceState
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.model.warning import Contents, Warning
from anlan.warn.render import TargetArea, render

NOW = datetime(2030, 7, 12, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
COLOURS = {1: ("Red", "红色"), 2: ("Orange", "橙色"), 3: ("Yellow", "黄色"), 4: ("Blue", "蓝色")}
SQUARE = ((116.0, 39.0), (116.5, 39.0), (116.5, 39.5), (116.0, 39.5), (116.0, 39.0))


def country(**changes: Any) -> Pack:
    return Pack(
        **{
            "id": "demo",
            "version": "1",
            "title": Text("River Province", "江省"),
            "digest": "d",
            "folders": (),
            "places": {
                id: (Place(id, Text(en, zh), "county", parent),)
                for id, en, zh, parent in (
                    ("xx", "River Province", "江省", None),
                    ("xx/1", "North County", "北县", "xx"),
                    ("xx/2", "South County", "南县", "xx"),
                    ("xx/3", "East County", "东县", "xx"),
                    ("xx/1/a", "Upper Town", "上镇", "xx/1"),
                )
            },
            "hazards": {
                "flood": Hazard("flood", Text("Flood", "洪水"), "natural", "water", "Met"),
                "heat": Hazard("heat", Text("Heat", "高温"), "natural", "weather", "Met"),
            },
            "warning_levels": tuple(
                WarningLevel(n, Text(en, zh), "Severe", "act#63") for n, (en, zh) in COLOURS.items()
            ),
            "laws": {
                "act": Law(
                    "act",
                    Text("Emergency Act", "应急法"),
                    "law",
                    Validity(),
                    (Article("63", Text("Levels.", "级别。")),),
                )
            },
            **changes,
        }
    )


def warning(id: str, level: int, places: tuple[str, ...] = ("xx/1",), **changes: Any) -> Warning:
    en, zh = COLOURS[level]
    hazard = changes.get("hazard", "flood")
    what = {"flood": Text("flood", "洪水"), "heat": Text("heat", "高温")}[hazard]
    made = Warning(
        id=id,
        risk=f"R-{id}",
        change="alert",
        status="approved",
        mode="Actual",
        scope="Public",
        hazard=hazard,
        level=level,
        places=places,
        contents=Contents(
            category=Text("Natural disaster", "自然灾害"),
            starts=NOW + 2 * HOUR,
            area=Text("Low ground along the river", "沿江低洼地带"),
            matters=Text(
                "The river will rise by 3 m <tonight> & flood the lower town.",
                "江水夜间将上涨三米,淹没下城。",
            ),
            measures=Text(
                "Go to high ground now. Do not drive through water.", "立即转移到高处。不要驾车涉水。"
            ),
            issuer=Text("Government of River Province", "江省人民政府"),
        ),
        headline=Text(f"{en} {what.en} warning", f"{what.zh}{zh}预警"),
        drafted=NOW - HOUR,
        expires=NOW + 6 * HOUR,
        organ="gov",
        basis="act#63",
        author="one",
        approver="two",
        sent=NOW - HOUR / 2,
        digest=sha256(id.encode()),
    )
    return replace(made, **changes)


def everything() -> list[Warning]:
    """In force: a red one, an orange one that is an update, a blue one for all. Not in force: a cancellation
    and what it cancels, what the update replaces, one that is over, one long over. Not for the public: an
    exercise, a test, a restricted one, a draft."""
    return [
        warning("W-red", 1),
        warning("W-old", 3, ("xx/2",), status="superseded", sent=NOW - 3 * HOUR, risk="R-o"),
        warning("W-orange", 2, ("xx/2",), change="update", references=("W-old",), risk="R-o"),
        warning("W-blue", 4, ("xx",), hazard="heat"),
        warning("W-gone", 2, ("xx/3",), status="cancelled", sent=NOW - 5 * HOUR, risk="R-g"),
        warning(
            "W-lift",
            2,
            ("xx/3",),
            change="cancel",
            references=("W-gone",),
            risk="R-g",
            headline=Text("Flood warning lifted", "洪水预警解除"),
        ),
        warning("W-over", 3, sent=NOW - 9 * HOUR, expires=NOW - HOUR, status="expired"),
        warning(
            "W-ancient",
            3,
            sent=NOW - 900 * HOUR,
            expires=NOW - 800 * HOUR,
            drafted=NOW - 900 * HOUR,
            status="expired",
        ),
        warning("W-drill", 1, mode="Exercise", headline=Text("DRILL red", "演练红色")),
        warning("W-test", 1, mode="Test", headline=Text("TEST red", "测试红色")),
        warning("W-named", 1, scope="Restricted", headline=Text("NAMED red", "限定红色")),
        warning("W-draft", 1, status="draft", sent=None, headline=Text("DRAFT red", "草稿红色")),
    ]


class SetClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass
class Shown:
    """A source of the site. `fetched` counts how often the bytes of each message were asked for."""

    warnings: dict[str, Warning]
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))
    mode: str = "live"
    pack: Pack = field(default_factory=country)
    head: int = 7
    sources: dict[str, SourceState] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, warnings: list[Warning], **more: Any) -> Shown:
        return cls({w.id: w for w in warnings}, **more)

    def state(self) -> State:
        return State(head=self.head, warnings=dict(self.warnings), sources=dict(self.sources))

    def cap(self, id: str) -> bytes:
        self.fetched.append(id)
        found = self.warnings[id]
        areas = [TargetArea(place, (SQUARE,) if place == "xx/1" else ()) for place in found.places]
        earlier = [self.warnings[one] for one in found.references]
        return render(found, self.pack, "warn@drill.invalid", areas, earlier=earlier)


def source(id: str) -> SourceDef:
    return SourceDef(id, Text(id, id), "push", "", Text(id, id), timedelta(minutes=10), timedelta(minutes=30))
