"""A small pack for the console's tests: Beijing, Xinjiang and a few neighbours in June 2020."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from anlan.model.domain import Domain, EventCategory, Hazard, PlaceLevel, WarningLevel
from anlan.model.indicator import Band, Indicator, KnownEvent, Rule, SourceDef
from anlan.model.law import Article, Law, Organ, Power
from anlan.model.pack import GeometryLayer, Pack
from anlan.model.place import Place
from anlan.model.plan import Plan, PlanTask, Template
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.model.user import Grant, User
from anlan.model.warning import Recipient

NOW = datetime(2020, 6, 16, 6, 0, tzinfo=UTC)
LAW = "cn-emergency-response-2024"


def _place(
    id: str, en: str, zh: str, population: int | None, parent: str | None = "cn", level: str = "province"
) -> Place:
    return Place(
        id, Text(en, zh), level, parent, Validity(date(2000, 1, 1)), population, 2020 if population else None
    )


def outlines(folder: Path) -> GeometryLayer:
    """Square provinces, one of them without a code."""
    squares = {
        "110000": (116, 40),
        "120000": (117, 39),
        "650000": (85, 41),
        "130000": (115, 38),
        "": (121, 24),
    }
    features = [
        {
            "type": "Feature",
            "properties": {"code": code},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[x - 1, y - 1], [x + 1, y - 1], [x + 1, y + 1], [x - 1, y + 1], [x - 1, y - 1]]
                ],
            },
        }
        for code, (x, y) in squares.items()
    ]
    path = folder / "provinces.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return _layer(path)


def real_outlines(shared: Path) -> GeometryLayer:
    """The provinces of the reference data."""
    return _layer(shared / "data" / "geo-china" / "provinces.topo.json")


def _layer(path: Path) -> GeometryLayer:
    return GeometryLayer(
        str(path),
        "province",
        "code",
        "cn/",
        "Apache-2.0",
        "echarts 4.9.0",
        Text(
            "Not an officially reviewed map. Replace it by a standard map with a review number before "
            "publishing.",
            "本图未经审图，公开发布前须更换为具有审图号的标准地图。",
        ),
    )


def pack(layer: GeometryLayer) -> Pack:
    """Definitions only; nothing of it is invented law: gists are short restatements."""
    everywhere = Grant("duty", "cn"), Grant("analyst", "cn")
    return Pack(
        "demo-desk",
        "1",
        Text("Demo duty room", "演示值班室"),
        "0" * 64,
        (),
        places={
            p.id: (p,)
            for p in (
                _place("cn", "China", "中国", 1_411_778_724, None, "nation"),
                _place("cn/110000", "Beijing", "北京市", 21_893_095),
                _place("cn/120000", "Tianjin", "天津市", 13_866_009),
                _place("cn/130000", "Hebei", "河北省", 74_610_235),
                _place("cn/650000", "Xinjiang", "新疆维吾尔自治区", None),
                _place("cn/110106", "Fengtai District", "丰台区", 2_019_764, "cn/110000", "county"),
            )
        },
        place_levels={"province": PlaceLevel("province", Text("Provinces", "省级"), 2)},
        geometry=(layer,),
        domains={"health": Domain("health", Text("Public health", "公共卫生"), 1, "")},
        categories={
            "health": EventCategory("health", Text("Public health event", "公共卫生事件"), True, True, "")
        },
        hazards={
            "covid-19": Hazard(
                "covid-19", Text("COVID-19", "新型冠状病毒肺炎"), "health", "health", "Health"
            ),
            "heat": Hazard("heat", Text("Heat wave", "高温"), "health", "health", "Met"),
        },
        warning_levels=tuple(
            WarningLevel(n, Text(en, zh), severity, f"{LAW}#63")
            for n, en, zh, severity in (
                (1, "Red", "红色", "Extreme"),
                (2, "Orange", "橙色", "Severe"),
                (3, "Yellow", "黄色", "Moderate"),
                (4, "Blue", "蓝色", "Minor"),
            )
        ),
        laws={
            LAW: Law(
                LAW,
                Text("Emergency Response Law (2024)", "中华人民共和国突发事件应对法（2024年修订）"),
                "law",
                Validity(date(2024, 11, 1)),
                (
                    Article(
                        "64",
                        Text(
                            "Governments at county level and above issue warnings by their powers and set "
                            "the warning period.",
                            "县级以上人民政府按照权限发布警报，决定并宣布有关地区进入预警期。",
                        ),
                    ),
                    Article(
                        "72",
                        Text(
                            "The government that leads the response organises rescue and other measures at "
                            "once.",
                            "履行统一领导职责的人民政府立即组织应急救援等处置措施。",
                        ),
                    ),
                ),
            )
        },
        organs={
            "bj-gov": Organ(
                "bj-gov", Text("Beijing Municipal People's Government", "北京市人民政府"), "cn/110000"
            ),
            "bj-cdc": Organ("bj-cdc", Text("Beijing CDC", "北京市疾病预防控制中心"), "cn/110000", "bj-gov"),
            "state-council": Organ("state-council", Text("State Council", "国务院"), "cn"),
        },
        powers=(Power("bj-gov", "warn", f"{LAW}#64"),),
        indicators={
            "covid-cases": Indicator(
                "covid-cases",
                Text("New confirmed cases", "新增确诊病例"),
                "health",
                "{case}",
                "count",
                "up",
                "",
                timedelta(days=1),
            )
        },
        sources={
            s.id: s
            for s in (
                SourceDef(
                    "covid-daily",
                    Text("Daily case reports", "每日病例报告"),
                    "table",
                    "MIT",
                    Text("demo", "演示"),
                    timedelta(days=2),
                    timedelta(days=7),
                    None,
                    ("covid-cases",),
                ),
                SourceDef(
                    "hospital-push",
                    Text("Hospital reports (push)", "医院直报"),
                    "push",
                    "own",
                    Text("demo", "演示"),
                    timedelta(hours=6),
                    timedelta(days=1),
                ),
                SourceDef(
                    "market-survey",
                    Text("Market survey", "市场监测"),
                    "table",
                    "own",
                    Text("demo", "演示"),
                    timedelta(days=7),
                    timedelta(days=30),
                ),
                SourceDef(
                    "sewage",
                    Text("Waste water samples", "污水监测"),
                    "table",
                    "own",
                    Text("demo", "演示"),
                    timedelta(days=7),
                    timedelta(days=30),
                ),
            )
        },
        rules={
            "covid-restart": Rule(
                "covid-restart",
                Text("Cases after a quiet fortnight", "两周平静后出现病例"),
                "covid-cases",
                "covid-19",
                "ears_c1",
                "value >= 5.0",
                "value",
                Text("{place}: {value}", "{place}：{value}"),
                f"{LAW}#63",
                bands=(Band(2, 30, f"{LAW}#63"),),
            )
        },
        plans={
            "bj-health": Plan(
                "bj-health",
                Text("Beijing public health plan", "北京市突发公共卫生事件应急预案"),
                ("covid-19",),
                ("cn/110000",),
                "bj-gov",
                2,
                2,
                {"1": 1, "2": 2},
                "bj-gov",
                timedelta(days=7),
                Template(Text("{hazard}", "{hazard}"), Text("m", "事"), Text("do", "措"), Text("over", "解")),
                (PlanTask("trace", Text("Trace contacts", "流调溯源"), "bj-cdc", timedelta(hours=24)),),
                ("bj-duty",),
                f"{LAW}#64",
            )
        },
        recipients={
            r.id: r
            for r in (
                Recipient(
                    "bj-duty",
                    Text("Beijing duty desk", "北京市值班室"),
                    "webhook",
                    "demo",
                    ("cn/110000",),
                    answers=True,
                ),
                Recipient(
                    "ft-duty",
                    Text("Fengtai duty desk", "丰台区值班室"),
                    "smtp",
                    "demo",
                    ("cn/110106",),
                    answers=True,
                ),
                Recipient(
                    "tj-duty",
                    Text("Tianjin duty desk", "天津市值班室"),
                    "webhook",
                    "demo",
                    ("cn/120000",),
                    answers=True,
                ),
            )
        },
        users={
            u.name: u
            for u in (
                User("li.duty", "bj-gov", everywhere, "zh"),
                User("chen.approver", "bj-gov", (Grant("approver", "cn"), Grant("supervisor", "cn")), "en"),
                User("ma.viewer", "bj-cdc", (Grant("viewer", "cn/650000"),), "zh"),
                User("wu.field", "bj-cdc", (Grant("field", "cn/110106"),), "zh"),
            )
        },
        events={
            "xinfadi": KnownEvent(
                "xinfadi",
                "covid-19",
                "cn/110000",
                NOW - timedelta(days=5),
                NOW + timedelta(days=25),
                "demo",
                Text("Xinfadi market outbreak", "新发地市场疫情"),
            )
        },
    )
