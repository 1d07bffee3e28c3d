"""JSON Schemas (draft 2020-12) of the TOML files of a pack, and the list of all its fields.

Both come from the classes that the reader fills, so that they cannot say something else than it does.
Dates are described as strings of format `date`: that is how editors see TOML's dates.
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast, get_args, get_origin

from anlan.model.indicator import Indicator
from anlan.model.text import Text
from anlan.model.time import Validity, format_duration
from anlan.packs.decode import type_words
from anlan.packs.tables import (
    CSV_FILES,
    LEVEL_FIELDS,
    MUST_BE_DATED,
    TOML_FILES,
    VOCABULARY,
    Table,
    TomlFile,
    hints,
    key_of,
    required,
    unwrap,
    validity_keys,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DURATION = r"^P(?=\d|T\d)(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$"

# What a field means where its class does not say so in its docstring.
_COMMON = {
    "id": "Unique among its kind; what other tables name it by.",
    "name": "What people call it, in English and Chinese.",
    "title": "What people call it, in English and Chinese.",
    "basis": "The law it rests on, `<law id>#<article number>`; several are separated by semicolons.",
    "from": "First date on which it is in force.",
    "to": "First date on which it is no longer in force; open when left out.",
    "until": "First date on which it is no longer in force; open when left out.",
    "en": "In English.",
    "zh": "In Chinese.",
    "level": "Level 1 (red, most severe) to 4 (blue), or the id of a place level.",
    "levels": "Levels to which it applies, 1 (most severe) to 4; empty means all.",
    "hazard": "The id of a hazard in categories.toml.",
    "hazards": "Ids of hazards in categories.toml.",
    "place": "The id of a place.",
    "places": "Ids of places.",
    "organ": "The id of an organ in organs.toml.",
    "parent": "The id of the one above; empty for the topmost.",
    "domain": "The id of a domain.",
    "category": "The id of an event category.",
    "indicator": "The id of an indicator.",
    "indicators": "Ids of the indicators it brings.",
    "unit": "A symbol of the units table.",
    "kind": "What sort it is.",
    "order": "Position in lists.",
    "note": "What a reader should know besides.",
    "number": "The article's number, as citations write it.",
    "gist": "What the article says, in our own words.",
    "article": "The articles that the pack cites.",
    "version": "The pack's own version.",
    "licence": "SPDX identifier or words: on what terms it may be used.",
    "attribution": "The credit to show beside what comes from it.",
    "source": "Where it comes from.",
    "key": "The property of a feature that holds the place's code.",
    "file": "Path relative to places/, TopoJSON or GeoJSON.",
    "objects": "The object of a topology to read; may be left out where there is one.",
    "rank": "1 for the topmost level; a place lies under one of lower rank.",
    "colour": "The colour's name, as in Red.",
    "severity": "The CAP severity it stands for.",
    "graded": "Whether events of this category have four grades by law.",
    "warned": "Whether events of this category are warned of in four levels.",
    "frequency": "The period that one value covers; `P1M` for calendar months.",
    "minimum": "Values below are implausible and quarantined.",
    "maximum": "Values above are implausible and quarantined.",
    "options": "What the source's adapter needs, such as `file` relative to the pack.",
    "at_least": "Where the level begins, in the unit of the rule's measure.",
    "detector": "The name of a detector.",
    "rule": "The id of a rule.",
    "fingerprint": "The version of the rule that was run, as anlan backtest writes it.",
    "since": "The first day of the history.",
    "hits": "Events that a level came before the end of.",
    "misses": "Events without a level.",
    "false_alarms": "Levels without an event.",
    "per_day": "New levels a day.",
    "lead_days": "Median days from the first finding to the event's start; below zero: after it.",
    "made": "The day on which it was found.",
    "alarms_per_day": "New levels that one officer is to look at in a day, the declared target.",
    "params": "The detector's parameters.",
    "when": "A CEL condition over the detection.",
    "hold": "How long the condition must hold before the rule is on.",
    "keep": "How long the condition must be gone before the rule is off.",
    "measure": "Which number of the detection is compared with the bands.",
    "band": "Dated limits, one per level at a time; with a matrix, none.",
    "say": "The sentence of a finding, with placeholders.",
    "owner": "The id of the organ that does it.",
    "after": "What goes before: tasks of the plan, or the time without an answer.",
    "recipients": "Ids of recipients in recipients.toml.",
    "issuer": "The id of the organ that issues the warning.",
    "lead": "The id of the organ that leads the response.",
    "template": "Public words of the warning.",
    "headline": "The headline, with placeholders.",
    "matters": "What is the matter, with placeholders.",
    "measures": "What to do, with placeholders.",
    "words": "Words for some hazards or levels of the plan.",
    "cancel": "The words that lift the warning, with placeholders.",
    "correct": "The headline of a message that corrects an earlier one, with placeholders.",
    "element": "The element of CAP it stands in: code, eventCode, parameter or geocode.",
    "value_name": "The valueName; empty for a code.",
    "value": "The code itself.",
    "column": "Severity categories, mildest first.",
    "row": "Certainty categories, least certain first.",
    "task": "What is done, by whom, by when.",
    "rung": "The ladder that is climbed when no answer comes.",
    "to_whom": "To whom the report goes.",
    "limit": "By when, counted from clock_starts.",
    "every": "The pause between follow-up reports.",
    "condition": "What the law says besides, in words.",
    "clock_starts": "What starts the clock.",
    "channel": "The name of a channel.",
    "address": "The address on that channel.",
    "grant": "Roles at places; a role at a place reaches everything below it.",
    "role": "What the user may do there.",
    "language": "The language of the user's screens.",
    "metric": "What is counted or measured.",
    "grade": "Event grade, 1 (gravest) to 4.",
    "lower": "Lower limit; empty is open.",
    "upper": "Upper limit; empty is open.",
    "lower_inclusive": "Whether the lower limit itself belongs to the grade (true when empty).",
    "upper_inclusive": "Whether the upper limit itself belongs to the grade (false when empty).",
    "name_en": "Name in English.",
    "name_zh": "Name in Chinese.",
    "title_en": "Title in English.",
    "title_zh": "Title in Chinese.",
    "population": "Residents; empty where unknown, never 0.",
    "population_year": "The year of that count.",
    "population_source": "The census or register that the count is from.",
    "lon": "Degrees east (WGS 84) of the point that stands for it; both or neither.",
    "lat": "Degrees north (WGS 84) of that point; both or neither.",
    "radius_km": "Kilometres around that point that cover all of the place: the ground of its warnings where "
    "it has no outline, written as a CAP circle; 20016 or more, without a point: the whole globe.",
    "radius_basis": "What that radius is taken from, in English; both or neither.",
    "radius_basis_zh": "The same in Chinese; without it the English stands in Chinese texts too.",
    "start": "First instant, RFC 3339.",
    "end": "Last instant, RFC 3339.",
}


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """One field of the pack format. `table` is `[[rule]]`, empty for a file that is one table, `row`
    for CSV; `key` is the path below it, as `band.from`; `default` as TOML would write it."""

    file: str
    table: str
    key: str
    type: str
    required: bool
    default: str
    description: str
    allowed: tuple[str, ...] = ()


def pack_fields() -> tuple[FieldDoc, ...]:
    """Every field of every file of a pack, in the order of the format."""
    found: list[FieldDoc] = []
    for file in TOML_FILES:
        for table in file.tables:
            heading = f"[[{table.name}]]" if table.name else ""
            found.extend(_fields(file.pattern, heading, table.kind, ""))
    for rows in CSV_FILES:
        found.extend(
            FieldDoc(rows.pattern, "row", column, "text", True, "", _COMMON.get(column, ""))
            for column in rows.columns
        )
        found.extend(
            FieldDoc(rows.pattern, "row", column, "text", False, "", _COMMON.get(column, ""))
            for column in rows.optional
        )
    return tuple(found)


def _fields(file: str, heading: str, kind: type, prefix: str) -> list[FieldDoc]:
    found: list[FieldDoc] = []
    for field in fields(kind):
        hint, _ = unwrap(hints(kind)[field.name])
        if hint is Validity:
            continue
        key = key_of(kind, field.name)
        found.append(
            FieldDoc(
                file,
                heading,
                prefix + key,
                type_words(hint),
                field.name in required(kind),
                _default(field),
                describe(kind, field.name),
                VOCABULARY.get((kind, field.name), ()),
            )
        )
        inner = get_args(hint)[0] if get_origin(hint) is tuple else hint
        if is_dataclass(inner) and inner is not Text:
            found.extend(_fields(file, heading, cast(type, inner), f"{prefix}{key}."))
    for place, key in enumerate(validity_keys(kind) or ()):
        must = place == 0 and kind in MUST_BE_DATED
        found.append(FieldDoc(file, heading, prefix + key, type_words(Validity), must, "", _COMMON[key]))
    return found


def _default(field: Field[Any]) -> str:
    value = field.default_factory() if field.default_factory is not MISSING else field.default
    if value is MISSING or value is None:
        return ""
    return json.dumps(_toml_plain(value), ensure_ascii=False)


def _toml_plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return format_duration(value)
    return list(value) if isinstance(value, tuple) else value


def describe(kind: type, field: str) -> str:
    """What a field means: what its class says of it, or the common meaning of the name."""
    key = key_of(kind, field)
    said = _said(kind, field)
    return said or _COMMON.get("to_whom" if (key, field) == ("to", "to") else key, "")


def _said(kind: type, field: str) -> str:
    """The sentences of a docstring that name the field as `field`."""
    text = " ".join((kind.__doc__ or "").split())
    sentences = re.split(r"(?<=[.;])\s+(?=[A-Z`{])", text)
    return " ".join(one for one in sentences if f"`{field}`" in one)


def schema(file: TomlFile) -> dict[str, Any]:
    """The JSON Schema of one kind of TOML file."""
    head = {"$schema": DIALECT, "title": f"anlan pack: {file.pattern}"}
    if not file.tables[0].name:
        return {**head, **_object(file.tables[0].kind)}
    return {
        **head,
        "type": "object",
        "additionalProperties": False,
        "properties": {table.name: _list_of(table) for table in file.tables},
    }


def _list_of(table: Table) -> dict[str, Any]:
    return {"type": "array", "items": _object(table.kind)}


def _object(kind: type) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, hint in hints(kind).items():
        if hint is Validity:
            continue
        described = _value(kind, name, hint)
        if text := describe(kind, name):
            described["description"] = text
        properties[key_of(kind, name)] = described
    for key in validity_keys(kind) or ():
        properties[key] = {"type": "string", "format": "date", "description": _COMMON[key]}
    return {
        "type": "object",
        "description": " ".join((kind.__doc__ or "").split()),
        "additionalProperties": False,
        "properties": properties,
        "required": [
            *(
                key_of(kind, name)
                for name, hint in hints(kind).items()
                if name in required(kind) and hint is not Validity
            ),
            *(["from"] if kind in MUST_BE_DATED else []),
        ],
    }


def _value(kind: type, name: str, hint: Any) -> dict[str, Any]:
    shape = _type(hint)
    target = shape["items"] if shape.get("type") == "array" else shape
    if words := VOCABULARY.get((kind, name)):
        target["enum"] = list(words)
    if (kind, name) == (Indicator, "frequency"):
        target["pattern"] = rf"{DURATION}|^P1M$"
    if (kind, name) in LEVEL_FIELDS:
        target.update(minimum=1, maximum=4)
    default = next(one for one in fields(kind) if one.name == name)
    if default.default not in (MISSING, None):
        shape["default"] = _toml_plain(default.default)
    return shape


def _type(hint: Any) -> dict[str, Any]:
    hint, _ = unwrap(hint)
    simple: dict[Any, dict[str, Any]] = {
        str: {"type": "string"},
        int: {"type": "integer"},
        float: {"type": "number"},
        bool: {"type": "boolean"},
        date: {"type": "string", "format": "date"},
        timedelta: {"type": "string", "pattern": DURATION},
        Any: {},
    }
    if hint in simple:
        return dict(simple[hint])
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _type(get_args(hint)[0])}
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": _type(get_args(hint)[1])}
    if is_dataclass(hint):
        return _object(cast(type, hint))
    raise TypeError(f"no JSON Schema for {hint!r}")


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """One schema per kind of TOML file, `domains-rules.schema.json` for `domains/*/rules.toml`; the
    paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file in TOML_FILES:
        name = file.pattern.removesuffix(".toml").replace("/*/", "-").replace("/*", "").replace("/", "-")
        path = folder / f"{name}.schema.json"
        path.write_text(json.dumps(schema(file), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return tuple(written)
