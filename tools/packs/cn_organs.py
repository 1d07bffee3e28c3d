"""Write packs/cn/organs.toml: who may warn and who may respond, at the nation, provinces and cities.

    python tools/packs/cn_organs.py packs/cn

Governments from county level up hold the general power (Emergency Response Law, art. 43 of 2007 and
art. 64 of 2024); counties are left to the packs of those who run them. Where another statute reserves
a warning to one body and bars others, the general power does not list that hazard. Hong Kong, Macao
and Taiwan have laws of their own and get no organ here.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass, field
from pathlib import Path

NATION = "cn/100000"
OWN_LAW = ("cn/71", "cn/81", "cn/82")
ERL_2007, ERL_2024 = "emergency-response-law-2007", "emergency-response-law-2024"
CHANGE = "2024-11-01"  # the 2024 revision takes the place of the 2007 law
ALL_HEALTH = ("hea.infectious", "hea.unknown", "hea.food", "hea.occupational")
GENERAL = (
    "nat.flood_drought", "nat.flood", "nat.marine", "nat.biological", "nat.wildfire",
    "acc.work", "acc.transport", "acc.railway", "acc.vessel_pollution", "acc.utility", "acc.power",
    "acc.special_equipment", "acc.nuclear_radiation", "acc.nuclear_plant", "acc.radiation",
    "acc.environment", "acc.air_pollution", "hea.unknown", "hea.occupational", "hea.animal",
)  # fmt: skip
WEATHER = ("nat.weather", "nat.typhoon")
CYBER = ("acc.cyber", "acc.cii", "acc.network_data")


@dataclass(frozen=True)
class Grant:
    """A power as it is written in a statute: act, hazards (none: all), article, date in force."""

    act: str
    basis: str
    since: str
    hazards: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()
    until: str = ""


@dataclass
class Body:
    id: str
    en: str
    zh: str
    place: str
    parent: str = ""
    since: str = ""
    until: str = ""
    grants: tuple[Grant, ...] = field(default_factory=tuple)


LOCAL = (
    Grant("warn", f"{ERL_2007}#43", "2007-11-01", GENERAL, until=CHANGE),
    Grant("warn", f"{ERL_2024}#64", CHANGE, GENERAL),
    Grant("respond", f"{ERL_2007}#48", "2007-11-01", until=CHANGE),
    Grant("respond", f"{ERL_2024}#72", CHANGE),
)
PROVINCE = (
    *LOCAL,
    Grant("warn", "infectious-diseases-law-2013#19", "2004-12-01", ("hea.infectious",)),
    Grant("warn", "earthquake-law-2008#29", "2009-05-01", ("nat.earthquake",)),
    Grant("respond", "public-health-emergency-regulation-2011#27", "2003-05-09", ALL_HEALTH),
)
METEOROLOGY = (
    Grant("warn", "meteorology-law-2016#22", "2000-01-01", WEATHER),
    Grant("warn", "meteorological-disaster-regulation-2017#30", "2010-04-01", WEATHER),
)
FLOOD = (
    Grant("warn", "flood-control-law-2016#41", "1998-01-01", ("nat.flood", "nat.flood_drought")),
    Grant("warn", "drought-regulation-2009#49", "2009-02-26", ("nat.drought", "nat.flood_drought")),
)
GEOLOGY = (Grant("warn", "geological-disaster-regulation-2003#17", "2004-03-01", ("nat.geological",)),)
FOREST = (Grant("warn", "forest-fire-regulation-2008#30", "2009-01-01", ("nat.wildfire",)),)
RISE = (Grant("warn", "cybersecurity-law-2016#54", "2017-06-01", CYBER),)

# id, English, Chinese, what each gives; named by function, as the statutes name them.
NATIONAL: tuple[tuple[str, str, str, tuple[Grant, ...]], ...] = (
    (
        "health", "State Council department for health", "国务院卫生健康主管部门",
        (
            Grant("warn", "infectious-diseases-law-2013#19", "2004-12-01", ("hea.infectious",)),
            Grant("warn", "public-health-emergency-regulation-2011#25", "2003-05-09",
                  ("hea.infectious", "hea.unknown", "hea.occupational")),
            Grant("respond", "public-health-emergency-regulation-2011#27", "2003-05-09", ALL_HEALTH),
        ),
    ),
    ("food", "State Council department for food safety", "国务院食品安全监督管理部门",
     (Grant("warn", "food-safety-law-2021#22", "2015-10-01", ("hea.food",)),)),
    ("weather", "Weather stations of the State Council meteorological authority",
     "国务院气象主管机构所属气象台站", METEOROLOGY),
    ("flood", "State flood control and drought relief headquarters", "国家防汛抗旱总指挥部", FLOOD),
    ("natural-resources", "State Council department for natural resources", "国务院自然资源主管部门",
     GEOLOGY),
    ("forest", "State Council department for forestry", "国务院林业主管部门", FOREST),
    ("cyberspace", "National cyberspace authority", "国家网信部门",
     (Grant("warn", "cybersecurity-law-2016#51", "2017-06-01", CYBER),)),
    ("energy", "State Council department for energy", "国务院能源主管部门",
     (Grant("warn", "energy-law-2024#51", "2025-01-01", ("sec.energy",)),)),
    ("reform", "State Council department for development and reform", "国务院发展改革部门",
     (Grant("warn", "grain-circulation-regulation-2021#30", "2021-04-15", ("sec.grain",)),)),
    ("grain", "National grain and reserves administration", "国家粮食和储备行政管理部门",
     (Grant("warn", "grain-circulation-regulation-2021#30", "2021-04-15", ("sec.grain",)),)),
    ("biosecurity", "Members of the national biosecurity coordination mechanism",
     "国家生物安全工作协调机制成员单位",
     (Grant("warn", "biosecurity-law-2024#17", "2021-04-15", ("hea.biosecurity",)),)),
)  # fmt: skip
PROVINCIAL: tuple[tuple[str, str, str, tuple[Grant, ...]], ...] = (
    ("health", "Health department of {en}", "{zh}卫生健康主管部门", ()),
    ("food", "Food safety department of {en}", "{zh}食品安全监督管理部门",
     (Grant("warn", "food-safety-law-2021#118", "2015-10-01", ("hea.food",)),)),
    ("weather", "Weather stations of the meteorological authority of {en}", "{zh}气象主管机构所属气象台站",
     METEOROLOGY),
    ("flood", "Flood control and drought relief headquarters of {en}", "{zh}防汛抗旱指挥部", FLOOD),
    ("natural-resources", "Natural resources department of {en}", "{zh}自然资源主管部门", GEOLOGY),
    ("forest", "Forestry department of {en}", "{zh}林业主管部门", FOREST),
    ("cyberspace", "Cyberspace authority of {en}", "{zh}网信部门", RISE),
    ("nuclear", "Department that {en} names for nuclear emergencies", "{zh}指定的核应急部门",
     (Grant("warn", "nuclear-plant-emergency-regulation-2011#23", "1993-08-04", ("acc.nuclear_plant",)),)),
)  # fmt: skip


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def government(name_en: str, name_zh: str) -> tuple[str, str]:
    """A prefecture or league has an administrative office of the province, the others a government."""
    if name_zh.endswith(("地区", "盟")):
        return f"Administrative Office of {name_en}", f"{name_zh}行政公署"
    return f"People's Government of {name_en}", f"{name_zh}人民政府"


def bodies(pack: Path) -> list[Body]:
    """Nation, then each province with its departments, then cities that stood on or after 2007-11-01."""
    council = Body("cn/gov/100000", "State Council", "国务院", NATION)
    council.grants = (
        Grant("warn", "earthquake-law-2008#29", "2009-05-01", ("nat.earthquake",)),
        Grant("respond", f"{ERL_2007}#8", "2007-11-01", levels=(1,), until=CHANGE),
        Grant("respond", f"{ERL_2024}#19", CHANGE, levels=(1,)),
    )
    out = [council]
    for id, en, zh, grants in NATIONAL:
        out.append(Body(f"cn/dept/{id}", en, zh, NATION, council.id, grants=grants))
    for row in read(pack / "places" / "provinces.csv"):
        if row["id"].startswith(OWN_LAW):
            continue
        code, en, zh = row["id"].removeprefix("cn/"), row["name_en"], row["name_zh"]
        out.append(Body(f"cn/gov/{code}", *government(en, zh), row["id"], council.id, grants=PROVINCE))
        for id, title, titel, grants in PROVINCIAL:
            names = title.format(en=en), titel.format(zh=zh)
            out.append(Body(f"cn/{id}/{code}", *names, row["id"], f"cn/gov/{code}", grants=grants))
    cities: dict[str, Body] = {}
    for row in read(pack / "places" / "cities.csv"):
        code = row["id"].removeprefix("cn/")
        since = cities[code].since if code in cities else row["from"]  # an organ outlives a change of name
        if row["to"] and row["to"] <= "2007-11-01":
            continue
        above = f"cn/gov/{code[:2]}0000"
        names = government(row["name_en"], row["name_zh"])
        cities[code] = Body(f"cn/gov/{code}", *names, row["id"], above, since, row["to"], LOCAL)
    return [*out, *cities.values()]


def quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def dates(since: str, until: str) -> str:
    return (f", from = {since}" if since else "") + (f", to = {until}" if until else "")


def organ_line(body: Body) -> str:
    parent = f", parent = {quoted(body.parent)}" if body.parent else ""
    name = f"{{ en = {quoted(body.en)}, zh = {quoted(body.zh)} }}"
    return (
        f"  {{ id = {quoted(body.id)}, name = {name}, place = {quoted(body.place)}{parent}"
        f"{dates(body.since, body.until)} }},"
    )


def power_lines(body: Body) -> list[str]:
    """The grants, each cut to the time of the body that holds it."""
    lines = []
    for grant in body.grants:
        since = max(grant.since, body.since)
        until = min(filter(None, (grant.until, body.until)), default="")
        if until and until <= since:
            continue
        hazards = f", hazards = [{', '.join(map(quoted, grant.hazards))}]" if grant.hazards else ""
        levels = f", levels = [{', '.join(map(str, grant.levels))}]" if grant.levels else ""
        lines.append(
            f"  {{ organ = {quoted(body.id)}, act = {quoted(grant.act)}, basis = {quoted(grant.basis)}"
            f"{hazards}{levels}{dates(since, until)} }},"
        )
    return lines


def main(pack: Path) -> None:
    everyone = bodies(pack)
    powers = [line for body in everyone for line in power_lines(body)]
    text = "\n".join(
        [
            "# Made by tools/packs/cn_organs.py: change it there. One line is one organ or one power.",
            "# Departments are named by function, as the statutes name them. `from` of a power is the date",
            "# its statute came into force, or the date from which its organ is seen.",
            "organ = [",
            *map(organ_line, everyone),
            "]",
            "",
            "power = [",
            *powers,
            "]",
            "",
        ]
    )
    (pack / "organs.toml").write_text(text, encoding="utf-8")
    print(f"organs.toml: {len(everyone)} organs, {len(powers)} powers, {len(text.encode())} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
