"""Writes the pages of docs/reference that follow from the code: `.venv/bin/python docs/generate.py`.

tests/unit/test_docs.py compares the files with what this gives, so a page cannot fall behind its code.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import cap_page
import detector_page
import measured
import surfaces
import survey_page
from surfaces import NOTE, paragraph

from anlan.app import config
from anlan.model import (
    domain,
    entry,
    errors,
    imprint,
    indicator,
    law,
    pack,
    place,
    plan,
    quantity,
    roster,
    route,
    user,
    warning,
)
from anlan.model.text import Text
from anlan.model.time import Validity, format_duration

REFERENCE = Path(__file__).parent / "reference"

# file of a pack -> (name of the table in it, class, how the table is written)
PACK_FILES: dict[str, list[tuple[str, type]]] = {
    "places/levels.toml": [("level", domain.PlaceLevel)],
    "places/*.csv": [("a line", place.Place)],
    "places/geometry.toml": [("layer", pack.GeometryLayer)],
    "places/geocodes.toml": [("scheme", pack.GeocodeScheme)],
    "levels.toml": [("warning_level", domain.WarningLevel), ("response_level", domain.ResponseLevel)],
    "categories.toml": [("category", domain.EventCategory), ("hazard", domain.Hazard)],
    "grades.csv": [("a line", domain.GradeBand)],
    "cap_codes.csv": [("a line", imprint.CapCode)],
    "laws/*.toml": [("the file", law.Law), ("article", law.Article)],
    "organs.toml": [("organ", law.Organ), ("power", law.Power)],
    "duties.toml": [("duty", law.ReportingDuty)],
    "domains/*/domain.toml": [("the file", domain.Domain)],
    "domains/*/indicators.toml": [
        ("indicator", indicator.Indicator),
        ("indicator.definition", indicator.Definition),
    ],
    "domains/*/sources.toml": [("source", indicator.SourceDef)],
    "domains/*/rules.toml": [
        ("rule", indicator.Rule),
        ("rule.band", indicator.Band),
        ("rule.severity", indicator.SeverityBand),
    ],
    "domains/*/records.toml": [("record", indicator.Record)],
    "domains/*/plans.toml": [
        ("plan", plan.Plan),
        ("plan.template", plan.Template),
        ("plan.task", plan.PlanTask),
        ("plan.rung", plan.Rung),
    ],
    "domains/*/events.csv": [("a line", indicator.KnownEvent)],
    "recipients.toml": [("recipient", warning.Recipient)],
    "inhibits.toml": [("inhibit", route.Inhibit)],
    "routes.toml": [("route", route.Route), ("route.hours", route.Hours)],
    "roster.toml": [("watch", roster.Watch)],
    "users.toml": [("user", user.User), ("user.grant", user.Grant)],
}

# where the name in the file differs from the field's
PACK_NAMES: dict[tuple[type, str], str] = {
    (pack.GeometryLayer, "path"): "file",
    (pack.GeocodeScheme, "path"): "file",
    (law.Law, "articles"): "article",
    (indicator.Indicator, "definitions"): "definition",
    (indicator.Rule, "bands"): "band",
    (indicator.Rule, "severities"): "severity",
    (plan.Plan, "tasks"): "task",
    (plan.Plan, "ladder"): "rung",
    (user.User, "grants"): "grant",
}


def written(kind: Any) -> str:
    """How a value of that type is written in a pack."""
    plain = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "`true` or `false`",
        timedelta: "ISO 8601 duration",
        datetime: "RFC 3339 instant",
        date: "date",
        Text: "`{ en, zh }`",
        Any: "any value",
    }
    if kind in plain:
        return plain[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(written(part) for part in arguments if part is not type(None))
    if origin is tuple:
        if dataclasses.is_dataclass(arguments[0]):
            return "one or more tables"
        return f"list of {written(arguments[0])}"
    if origin is dict:
        return f"table of {written(arguments[1])}"
    if dataclasses.is_dataclass(kind):
        return "a table"
    raise TypeError(f"docs/generate.py cannot describe {kind!r}")


def default(field: dataclasses.Field[Any]) -> str:
    """What holds where the key is left out."""
    value = field.default
    if value is dataclasses.MISSING:
        if field.default_factory is dataclasses.MISSING:
            return "**required**"
        value = field.default_factory()
    if value is None or value in ("", (), {}):
        return "empty"
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if not isinstance(value, tuple) else ", ".join(f"`{part}`" for part in value)


def pack_rows(kind: type, csv: bool) -> list[str]:
    """The table of a class's keys; in CSV a text is two columns."""
    hints = typing.get_type_hints(kind)
    rows = ["| key | written as | if left out |", "|---|---|---|"]
    for field in dataclasses.fields(kind):
        if hints[field.name] is Validity:
            rows += ["| `from` | date | open |", "| `to` | date, exclusive | open |"]
            continue
        name = PACK_NAMES.get((kind, field.name), field.name)
        if csv and hints[field.name] is Text:
            rows += [f"| `{name}_{language}` | text | {default(field)} |" for language in ("en", "zh")]
            continue
        rows.append(f"| `{name}` | {written(hints[field.name])} | {default(field)} |")
    return rows


def pack_fields() -> str:
    """Every file of a pack with its tables and keys."""
    parts = [
        NOTE,
        "# Fields of a pack\n",
        "A pack is a folder. `anlan pack check` checks every key below and reports all faults at once, with "
        "file and line or key; a key that is not listed is a fault. `{ en, zh }` is a text in both "
        "languages. How to write one: [write a pack](../howto/write-a-pack.md).\n",
        "## `pack.toml`\n",
        "`id`, `version`, `title`, `licence`, `extends` (ids of packs found in the search path, in the order "
        "in which they are laid over each other), `note`.\n",
    ]
    for file, tables in PACK_FILES.items():
        parts.append(f"## `{file}`\n")
        for name, kind in tables:
            head = f"`[[{name}]]`" if name.isidentifier() or "." in name else name.capitalize()
            head = head.replace("[[plan.template]]", "[plan.template]")
            parts += [
                f"### {head}\n",
                paragraph(kind.__doc__) + "\n",
                "\n".join(pack_rows(kind, file.endswith(".csv"))) + "\n",
            ]
    return "\n".join(parts)


def units() -> str:
    """The table of units."""
    rows = [
        f"| `{unit.symbol}` | {unit.dimension} | {unit.factor:.12g} | {unit.offset:.12g} |"
        for unit in quantity.UNITS.values()
    ]
    return "\n".join(
        [
            NOTE,
            "# Units\n",
            "These are all the units that anlan accepts, in the symbols of UCUM where it has one. A value "
            "times the factor plus the offset is the value in the first unit of its dimension. Units of one "
            "dimension convert to each other; others are refused with [WrongUnit](errors.md#wrongunit).\n",
            "| symbol | dimension | factor | offset |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def error_classes() -> list[type[errors.AnlanError]]:
    """AnlanError and everything below it, parents first."""

    def below(kind: type[errors.AnlanError]) -> list[type[errors.AnlanError]]:
        own = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
        return [kind, *(grandchild for child in own for grandchild in below(child))]

    return below(errors.AnlanError)


def error_page() -> str:
    """The error tree."""
    tree = inspect.cleandoc(errors.__doc__ or "").split("\n\n", 1)[1]
    parts = [
        NOTE,
        "# Errors\n",
        "Every error says where it happened, what was found, what was expected and, where there is a way, "
        "how to mend it.\n",
        f"```text\n{tree}\n```\n",
    ]
    for kind in error_classes():
        parts.append(f"## {kind.__name__}\n")
        parts.append(paragraph(kind.__doc__) + "\n")
        if code := vars(kind).get("reason_code"):
            parts.append(f"Quarantined with the reason `{code}`.\n")
    return "\n".join(parts)


def journal_page() -> str:
    """The row and the nouns of the journal."""
    parts = [
        NOTE,
        "# The journal\n",
        "Every decision is one row; rows are only ever added. The state of the system is what the rows give "
        "when taken in from the first to the last. `anlan audit verify` checks the chain: "
        "[how](../howto/verify-the-journal.md).\n",
        "## A row\n",
        paragraph(entry.Draft.__doc__) + "\n",
        paragraph(entry.Entry.__doc__) + "\n",
        "| field | type |",
        "|---|---|",
        *(
            f"| `{field.name}` | `{field.type}` |".replace(" | None`", " or None`")
            for field in dataclasses.fields(entry.Entry)
        ),
        "",
        "## What a row is about\n",
    ]
    for noun, kind in entry.NOUNS.items():
        names = ", ".join(f"`{field.name}`" for field in dataclasses.fields(kind))
        parts += [f"### {noun}\n", paragraph(kind.__doc__) + "\n", f"Fields: {names}.\n"]
    return "\n".join(parts)


def settings_page() -> str:
    """Keys of anlan.toml."""
    parts = [
        NOTE,
        "# Settings\n",
        "The settings of a workspace stand in its `anlan.toml`. A key that is not listed, or a value of "
        "another kind, is an error that names it.\n",
        paragraph(config.Config.__doc__) + "\n",
        "\n".join(pack_rows(config.Config, False)) + "\n",
        "## `[[channel]]`\n",
        paragraph(config.ChannelConfig.__doc__) + "\n",
        "\n".join(pack_rows(config.ChannelConfig, False)) + "\n",
        "## `[[signing]]`\n",
        paragraph(config.SigningConfig.__doc__) + "\n",
        "\n".join(pack_rows(config.SigningConfig, False)) + "\n",
        "## `[cap]`\n",
        paragraph(config.CapConfig.__doc__) + "\n",
        "\n".join(pack_rows(config.CapConfig, False)) + "\n",
        "How to keep a profile: [publish under a profile](../howto/publish-under-a-profile.md).\n",
        "## `[site]`\n",
        paragraph(config.SiteConfig.__doc__) + "\n",
        "\n".join(pack_rows(config.SiteConfig, False)) + "\n",
        "## `[acknowledgements]`\n",
        paragraph(config.AcknowledgementsConfig.__doc__) + "\n",
        "\n".join(pack_rows(config.AcknowledgementsConfig, False)) + "\n",
        "## Modes\n",
        "| mode | status of its messages |",
        "|---|---|",
        *(f"| `{mode}` | {status} |" for mode, status in config.MODES.items()),
        "",
    ]
    return "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "units.md": units,
    "errors.md": error_page,
    "pack-fields.md": pack_fields,
    "journal.md": journal_page,
    "settings.md": settings_page,
    "api.md": surfaces.api_page,
    "cli.md": surfaces.cli_page,
    "adapters.md": surfaces.adapter_page,
    "detectors.md": detector_page.detector_page,
    "cap-rules.md": cap_page.rules_page,
    "surveys.md": survey_page.survey_page,
    "benchmarks.md": measured.page,
}


def pages() -> dict[str, str]:
    """Text of every generated page, by file name."""
    return {name: re.sub(r"\n{3,}", "\n\n", make()).rstrip() + "\n" for name, make in PAGES.items()}


if __name__ == "__main__":
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")
