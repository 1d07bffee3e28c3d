"""A small, whole and valid pack, as text: tests write it to a folder and break one thing."""

from __future__ import annotations

import json
from pathlib import Path

TOPOLOGY = {
    "type": "Topology",
    "transform": {"scale": [0.1, 0.1], "translate": [100.0, 30.0]},
    "arcs": [
        [[10, 0], [0, 10]],
        [[10, 10], [-10, 0], [0, -10], [10, 0]],
        [[10, 0], [10, 0], [0, 10], [-10, 0]],
        [[40, 40], [10, 10], [0, -10], [-10, 10], [0, -10]],
    ],
    "objects": {
        "provinces": {
            "type": "GeometryCollection",
            "geometries": [
                {"type": "Polygon", "arcs": [[0, 1]], "properties": {"code": "a", "name": "A"}},
                {"type": "Polygon", "arcs": [[2, -1]], "properties": {"code": "b", "name": "B"}},
                {"type": "Polygon", "arcs": [[3]], "properties": {"code": "c", "name": "C"}},
            ],
        }
    },
}

MATRIX = """
[[matrix]]
id = "rivers"
title = { en = "How severe, how sure", zh = "严重与确定" }
basis = "act-2010#5"
from = 2010-01-01

[[matrix.column]]
id = "bad"
name = { en = "bad", zh = "坏" }
severity = "Severe"
means = { en = "homes flooded", zh = "房屋进水" }

[[matrix.row]]
id = "likely"
name = { en = "likely", zh = "可能" }
at_least = 0.3
levels = [2]
"""

FILES: dict[str, str] = {
    "pack.toml": """
id = "tiny"
version = "1.0.0"
title = { en = "Tiny country", zh = "小国" }
licence = "Apache-2.0"
""",
    "places/levels.toml": """
[[level]]
id = "nation"
title = { en = "nation", zh = "国家" }
rank = 1

[[level]]
id = "province"
title = { en = "province", zh = "省" }
rank = 2
""",
    "places/all.csv": """id,name_en,name_zh,level,parent,from,to,population,population_year
x,Land,国,nation,,,,1000,2020
x/a,Alpha,甲,province,x,2000-01-01,2015-01-01,400,2010
x/a,Greater Alpha,大甲,province,x,2015-01-01,,450,2020
x/b,Beta,乙,province,x,,,,
x/c,Gamma,丙,province,x,,,,
""",
    "places/geometry.toml": """
[[layer]]
file = "provinces.json"
level = "province"
key = "code"
prefix = "x/"
licence = "MIT"
source = "drawn for a test"
caution = { en = "not to scale", zh = "非标准地图" }
""",
    "places/provinces.json": json.dumps(TOPOLOGY),
    "levels.toml": """
[[warning_level]]
level = 1
colour = { en = "Red", zh = "红色" }
severity = "Extreme"
basis = "act-2010#5"
from = 2010-01-01

[[warning_level]]
level = 2
colour = { en = "Orange", zh = "橙色" }
severity = "Severe"
basis = "act-2010#5"
from = 2010-01-01

[[response_level]]
level = 1
title = { en = "Level I", zh = "一级响应" }
basis = "act-2010#6"
from = 2010-01-01
""",
    "categories.toml": """
[[category]]
id = "natural"
title = { en = "natural disaster", zh = "自然灾害" }
graded = true
warned = true
basis = "act-2010#2"

[[hazard]]
id = "flood"
title = { en = "flood", zh = "洪水" }
category = "natural"
domain = "water"
cap_category = "Met"
""",
    "grades.csv": """hazard,grade,metric,unit,lower,upper,lower_inclusive,upper_inclusive,basis,note,from,to
flood,2,deaths,{death},10,30,true,false,act-2010#7,,2010-01-01,
flood,1,deaths,{death},30,,true,false,act-2010#7,,2010-01-01,
""",
    "laws/act-2010.toml": """
id = "act-2010"
title = { en = "Emergency Act", zh = "应急法" }
kind = "law"
from = 2010-01-01

[[article]]
number = "2"
gist = { en = "What an emergency is.", zh = "定义。" }

[[article]]
number = "5"
gist = { en = "Four warning levels.", zh = "四级预警。" }

[[article]]
number = "6"
gist = { en = "Who responds.", zh = "响应主体。" }

[[article]]
number = "7"
gist = { en = "Grades.", zh = "分级。" }
""",
    "laws/old-act.toml": """
id = "old-act"
title = { en = "Old Act", zh = "旧法" }
kind = "law"
from = 1990-01-01
to = 2010-01-01
""",
    "organs.toml": """
[[organ]]
id = "office"
name = { en = "National Office", zh = "国家局" }
place = "x"

[[organ]]
id = "office-a"
name = { en = "Office of Alpha", zh = "甲局" }
place = "x/a"
parent = "office"

[[power]]
organ = "office"
act = "warn"
levels = [1, 2]
basis = "act-2010#5"
from = 2010-01-01

[[power]]
organ = "office-a"
act = "warn"
hazards = ["flood"]
levels = [2, 3, 4]
scope = "Restricted"
basis = "act-2010#5"
from = 2010-01-01
to = 2020-01-01

[[power]]
organ = "office-a"
act = "respond"
basis = "act-2010#6"
from = 2010-01-01
""",
    "duties.toml": """
[[duty]]
id = "first-report"
kind = "first"
title = { en = "first report", zh = "首报" }
to = { en = "the government", zh = "政府" }
limit = "PT2H"
clock_starts = "incident_opened"
basis = "act-2010#6"
hazards = ["flood"]
levels = [1, 2]
places = ["x/a"]
from = 2010-01-01
until = 2030-01-01
""",
    "domains/water/domain.toml": """
id = "water"
title = { en = "water", zh = "水" }
order = 1
basis = "act-2010#2"
""",
    "domains/water/indicators.toml": """
[[indicator]]
id = "stage"
title = { en = "river stage", zh = "水位" }
domain = "water"
unit = "m"
kind = "measure"
direction = "up"
basis = "gauge handbook"
frequency = "P1D"
""",
    "domains/water/sources.toml": """
[[source]]
id = "gauges"
title = { en = "gauges", zh = "水文站" }
kind = "table"
licence = "CC0-1.0"
attribution = { en = "River board", zh = "河务局" }
stale_after = "P2D"
dead_after = "P7D"
indicators = ["stage"]

[source.options]
file = "data/stage.csv"
since = 2011-01-01
""",
    "domains/water/rules.toml": """
[[rule]]
id = "high-water"
title = { en = "high water", zh = "高水位" }
indicator = "stage"
hazard = "flood"
detector = "threshold"
when = "alarm && value > 3.0"
measure = "value"
hold = "P1D"
keep = "P2D"
places = ["level:province", "x"]
basis = "act-2010#5"
say = { en = "{place}: {value} {unit}", zh = "{place}：{value} {unit}" }

[rule.params]
limit = 3.0

[[rule.band]]
level = 2
at_least = 4.0
basis = "act-2010#5"
from = 2010-01-01

[[rule.band]]
level = 1
at_least = 5.0
basis = "act-2010#5"
from = 2010-01-01
to = 2020-01-01

[[rule.band]]
level = 1
at_least = 4.8
basis = "act-2010#5"
from = 2020-01-01
""",
    "domains/water/plans.toml": """
[[plan]]
id = "flood-plan"
title = { en = "flood plan", zh = "防汛预案" }
hazards = ["flood"]
places = ["x"]
issuer = "office"
warn_at = 3
opens_at = 2
response = { 1 = 1, 2 = 2, 3 = 3, 4 = 4 }
lead = "office"
valid = "P1D"
recipients = ["desk"]
basis = "act-2010#6"

[plan.template]
headline = { en = "{colour}: {hazard} in {area}", zh = "{area}{hazard}{colour}预警" }
matters = { en = "{value} {unit}", zh = "{value} {unit}" }
measures = { en = "Move up.", zh = "转移。" }
cancel = { en = "Lifted.", zh = "解除。" }
correct = { en = "CORRECTION: the warning was wrong.", zh = "更正:前一预警有误。" }

[[plan.task]]
id = "boats"
title = { en = "boats out", zh = "出动船只" }
owner = "office-a"
within = "PT1H"
basis = "act-2010#6"
levels = [1, 2]

[[plan.task]]
id = "shelter"
title = { en = "open shelters", zh = "开放避难所" }
owner = "office"
within = "PT3H"
after = ["boats"]

[[plan.rung]]
after = "PT30M"
recipients = ["desk"]
""",
    "domains/water/events.csv": """id,hazard,place,start,end,title_en,title_zh,source
flood-2016,flood,x/a,2016-07-01T00:00:00Z,2016-07-09T00:00:00Z,The flood of 2016,2016年洪水,yearbook
""",
    "recipients.toml": """
[[recipient]]
id = "desk"
name = { en = "duty desk", zh = "值班室" }
channel = "mail"
address = "desk@example.invalid"
places = ["x"]
hazards = ["flood"]
answers = true
""",
    "users.toml": """
[[user]]
name = "ada"
organ = "office"
language = "en"

[[user.grant]]
role = "duty"
place = "x"
""",
    "data/stage.csv": "date,stage\n2016-07-01,4.4\n",
    "README.md": "Not read.\n",
    ".hidden": "Not even counted.\n",
}

OVERLAY: dict[str, str] = {
    "pack.toml": """
id = "over"
version = "2"
title = { en = "Overlay", zh = "叠加包" }
licence = "Apache-2.0"
extends = ["tiny"]
""",
}

DETECTORS = {"threshold": {"limit": "float required", "direction": "at_least | at_most"}}


def write(folder: Path, files: dict[str, str]) -> Path:
    """The files below `folder`; the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def changed(file: str, old: str, new: str, count: int = 1) -> dict[str, str]:
    """The sample with `old` in `file` replaced `count` times; the text must be there."""
    text = FILES[file]
    assert old in text, f"{old!r} is not in {file}"
    return {**FILES, file: text.replace(old, new, count)}
