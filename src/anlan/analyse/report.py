"""The report of a run as one HTML file that needs nothing else: no server, no network.

Charts are the console's chart island, written into the file; where it has not been built the tables
stand alone and say so. Both languages are in the file; a button changes between them.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from anlan import __version__
from anlan.analyse.charted import chart_document
from anlan.analyse.findings import Findings
from anlan.analyse.summary import lines
from anlan.analyse.words import ALARMS, CHOICES, shown
from anlan.assess.detect.reason_words import reason_words
from anlan.assess.detect.registry import spec
from anlan.assess.multiplicity import Choice

#: series with a chart of their own, and rows of the panel by time
MOST_CHARTS, MOST_ROWS = 200, 400


@cache
def environment() -> Environment:
    """Autoescaping everywhere; an undefined name is an error."""
    return Environment(
        loader=PackageLoader("anlan.analyse", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def report(found: Findings, source: str) -> str:
    """The whole file as text. Of more than `MOST_CHARTS` series the ones that need a look most have a
    chart; the report says how many have none."""
    ordered = lines(found)
    drawn = ordered[: max(MOST_CHARTS, MOST_ROWS)]
    island = _island()
    return (
        environment()
        .get_template("report.html")
        .render(
            found=found,
            spec=spec(found.detector),
            title=spec(found.detector).title,
            params=_params(found),
            source=source,
            version=__version__,
            lines=ordered,
            charts=ordered[:MOST_CHARTS] if island else [],
            rows=min(len(ordered), MOST_ROWS),
            island=Markup(island),  # noqa: S704 - our own bundle
            document=Markup(_json(chart_document(found, [line.row for line in drawn]))),  # noqa: S704 - escaped
            shown=shown,
            alarms={int(a): t for a, t in ALARMS.items()},
            choices={int(c): t for c, t in CHOICES.items()},
            left_out=[int(Choice.MAY_BE_CHANCE), int(Choice.OVER_BUDGET)],
            reason_words=reason_words,
            first=found.laid.axis.label(int(found.test[0])),
            last=found.laid.axis.label(int(found.test[-1])),
        )
    )


def _params(found: Findings) -> list[tuple[str, str, str]]:
    """(name, value, what it means), those given first told apart by the caller."""
    described = spec(found.detector)
    values = described.complete(found.params)
    return [(p.name, str(values[p.name]), p.meaning) for p in described.params]


def _json(document: dict[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _island() -> str:
    """The chart island; empty where the package was not built."""
    path = files("anlan").joinpath("web", "static", "bundle", "bands.js")
    if not path.is_file():
        return ""
    return path.read_text(encoding="utf-8").replace("</script", "<\\/script").replace("<!--", "<\\!--")
