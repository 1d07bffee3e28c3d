"""Reference page of the surveys: what they read, their parameters, what their numbers mean."""

from __future__ import annotations

import importlib

from detector_page import markdown, parameter_row
from surfaces import NOTE

from anlan.assess.surveys.registry import MODULES, survey
from anlan.assess.surveys.spec import SurveySpec


def survey_page() -> str:
    """Every survey of the registry, in its order."""
    known = {name: survey(name) for name in MODULES}
    parts = [
        NOTE,
        "# Surveys\n",
        "Where a rule has to see more than one series at once, or single events together, it names a survey "
        "as its `detector`. From there on it is a rule like any other: `when` is a condition over the "
        "numbers below, `measure` with the dated bands gives the level, `say` the sentence, to which the "
        "survey adds what it found; backtest, replay and `anlan explain` run the same code. What cannot be "
        "judged is unknown, with its reason, and holds the level that was there. `hold` and `keep` are "
        "minded by all of them: by the values of the last periods, or, of a survey that says how things are "
        "at one instant, by what it would have answered before, asked again as of every period of the "
        "indicator (a day where it has none) with what was known then. An unknown answer counts for neither; "
        "where some of what it rests on is missing, a level between what is known and the worst that could "
        "be is unknown.\n",
        "| survey | what it is | indicator | asked every day (UTC) without news | `hold`, `keep` count |",
        "|---|---|---|---|---|",
        *(
            f"| [`{name}`](#{name}) | {one.title} | {' or '.join(one.kinds)} | {_yes(one.timed)} | "
            f"{'values of the last periods' if one.hysteresis else 'its answers, asked again'} |"
            for name, one in known.items()
        ),
        "",
    ]
    for name, one in known.items():
        parts += [f"## {name}\n", f"{one.title[0].upper()}{one.title[1:]}. Source: {one.source}.\n"]
        parts.append(markdown(importlib.import_module(f"anlan.assess.surveys.{MODULES[name]}").__doc__))
        parts += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
        parts += [parameter_row(param) for param in one.params] + [""]
        parts.append(_numbers(one))
    return "\n".join(parts)


def _numbers(one: SurveySpec) -> str:
    rows = ["| number | means |", "|---|---|"]
    rows += [f"| `{name}` | {meaning} |" for name, meaning in one.numbers.items()]
    worse = {True: "less is worse", False: "more is worse", None: "as the indicator's direction says"}
    rows += ["", f"Bands: {worse[one.downwards]}. Event of its findings: {one.event or 'none'}.\n"]
    return "\n".join(rows)


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
