"""Reference page of the detectors: parameters, history, sources and mends, from the registry."""

from __future__ import annotations

import importlib
import inspect
from itertools import groupby
from typing import Any

from surfaces import NOTE, paragraph

from anlan.assess.detect.registry import REQUIRED, specs
from anlan.assess.detect.spec import Param, Spec

#: periods per year for which the length of the history is shown
WEEKS = 52


def detector_page() -> str:
    """Every detector of the registry, in its order; those of one module share its description."""
    known = [one for one in specs().values() if one.run.__module__.startswith("anlan.")]
    parts = [
        NOTE,
        "# Detectors\n",
        "A rule of a pack names a detector and its parameters; in Python "
        "`anlan.assess.detect.registry.detector` gives it by name. Every one takes a panel of series and "
        "gives, for each tested value, an expectation, a bound, a score, an alarm (yes, no, unknown) and a "
        "reason. A missing value is unknown, never no alarm. Where a detector has `compat`, "
        '`"surveillance"` gives the numbers of the R package `surveillance` 1.20.3 with its flaws, and the '
        "default mends them as its description says.\n",
        "| detector | what it is | values | periods read before the tested one (weekly, defaults) |",
        "|---|---|---|---|",
        *(
            f"| [`{one.name}`](#{one.name}) | {one.title} | {_values(one)} | {_history(one)} |"
            for one in known
        ),
        "",
    ]
    for module, group in groupby(known, key=lambda one: one.run.__module__):
        together = list(group)
        for number, one in enumerate(together):
            parts += [f"## {one.name}\n", f"{one.title[0].upper()}{one.title[1:]}. Source: {one.source}.\n"]
            if one.sequential:
                parts.append(
                    "Goes on from period to period: the tested periods are contiguous and in order.\n"
                )
            parts += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
            parts += [parameter_row(param) for param in one.params] + [""]
            if one.live:
                set_live = ", ".join(f"`{name}` = {_default(value)}" for name, value in one.live.items())
                parts.append(f"In service, unless the rule says otherwise: {set_live}.\n")
            if number == 0:
                parts.append(markdown(importlib.import_module(module).__doc__))
            else:
                parts.append(f"Described under [`{together[0].name}`](#{together[0].name}).\n")
    return "\n".join(parts)


def markdown(text: str | None) -> str:
    """A module's docstring as Markdown: what is set in becomes a block, lists and paragraphs run on."""
    parts = []
    for block in inspect.cleandoc(text or "").split("\n\n"):
        lines = block.split("\n")
        if all(line.startswith("    ") for line in lines):
            parts.append("```text\n" + inspect.cleandoc(block) + "\n```\n")
        elif lines[0].startswith("* "):
            items: list[str] = []
            for line in lines:
                if line.startswith("* "):
                    items.append(line)
                else:
                    items[-1] += " " + line.strip()
            parts.append("\n".join(items) + "\n")
        elif any("  " in line.strip() for line in lines):
            parts.append("```text\n" + block + "\n```\n")
        else:
            parts.append(paragraph(block) + "\n")
    return "\n".join(parts)


def _values(one: Spec) -> str:
    return "counts" if one.values == "count" else "any numbers"


def _history(one: Spec) -> str:
    missing = [param for param in one.params if param.default is REQUIRED]
    return "as its parameters say" if missing else str(one.history(one.complete({}), WEEKS))


def parameter_row(param: Param) -> str:
    """A parameter as a row of its table."""
    kind = " or ".join(f"`{word}`" for word in param.choices) or param.type
    return f"| `{param.name}` | {kind} | {_default(param.default)} | {param.meaning} |"


def _default(value: Any) -> str:
    if value is REQUIRED:
        return "**required**"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{list(value) if isinstance(value, tuple) else value}`"
