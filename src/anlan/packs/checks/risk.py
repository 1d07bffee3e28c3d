"""Rules that go by a risk matrix: it exists and is for their hazard, its severities have amounts, its
certainty can be told by their detector."""

from __future__ import annotations

from collections.abc import Iterator

from anlan.model.errors import Fault, InvalidValue
from anlan.model.indicator import CERTAINTIES, Rule
from anlan.model.matrix import Matrix
from anlan.packs.checks.rules import dated_step
from anlan.packs.citations import spell
from anlan.packs.conditions import compile_condition
from anlan.packs.definitions import Resolved
from anlan.packs.documents import Origin

#: the detectors that can tell a certainty; p-values come from too many to be named here
ONLY_BY = {"probability": "forecast_probability", "votes": "ensemble"}
#: detectors of the house that state no p-value
WITHOUT_P_VALUE = frozenset(
    {"threshold", "ears_c3", "rate_of_change", "flat_line", "cusum_reset", "page_hinkley", "bocpd", "rki"}
    | {"outbreak_p", "cusum", "rogerson", "glrpois", "glrnb"}
    | {"deadlines", "storm_zone", "river_routing", "forecast_probability"}
)
#: what looks at one thing at a time, so that nothing is tested beside it
WITHOUT_Q_VALUE = WITHOUT_P_VALUE | {"scan_clusters", "event_rate"}


def asked(resolved: Resolved) -> Iterator[Fault]:
    """A condition asks for no number that its detector never states: it would be unknown for ever."""
    for item in resolved.items.rules:
        rule, origin = item.value, item.origin
        try:
            names = {name for name, _ in compile_condition(rule.when).names}
        except InvalidValue:
            continue  # told by `rules.conditions`
        for name, without in (("p_value", WITHOUT_P_VALUE), ("q_value", WITHOUT_Q_VALUE)):
            if name in names and rule.detector in without:
                yield origin.fault(
                    f"{rule.detector} states no {name.replace('_', '-')}",
                    "when",
                    found=rule.when,
                    expected="a condition without it, or another detector",
                )


def risk_rules(resolved: Resolved) -> Iterator[Fault]:
    """Everything that keeps a rule from a level by its matrix."""
    for item in resolved.items.rules:
        rule, origin = item.value, item.origin
        if not rule.matrix:
            for key, given in (("severity", rule.severities), ("certainty", rule.certainty)):
                if given:
                    yield origin.fault("says something to no matrix", key, expected="matrix, or bands alone")
            continue
        if rule.bands:
            yield origin.fault("both bands and a matrix", "band", expected="one of the two")
        if not rule.certainty:
            yield origin.fault("no certainty", "certainty", expected=", ".join(CERTAINTIES))
        yield from _told(rule, origin)
        matrix = resolved.pack.matrices.get(rule.matrix)
        if matrix is None:
            if resolved.certain("matrices", rule.matrix):
                known = ", ".join(sorted(resolved.pack.matrices)) or "an id of matrices.toml"
                yield origin.fault("no such matrix", "matrix", found=repr(rule.matrix), expected=known)
            continue
        if matrix.hazards and rule.hazard not in matrix.hazards:
            yield origin.fault(
                "the matrix is for other hazards",
                "matrix",
                found=rule.hazard,
                expected=", ".join(matrix.hazards),
            )
        if not matrix.validity.overlaps(rule.validity):
            yield origin.fault(
                "the matrix is never in force together with its rule",
                "matrix",
                found=spell(matrix.validity),
                expected=spell(rule.validity),
            )
        yield from _severities(resolved, rule, matrix, origin)


def _told(rule: Rule, origin: Origin) -> Iterator[Fault]:
    """The detector states what the certainty is taken from."""
    needed = ONLY_BY.get(rule.certainty)
    if needed is not None and rule.detector != needed:
        yield origin.fault(
            f"{rule.detector} states no {rule.certainty}", "certainty", found=rule.detector, expected=needed
        )
    elif rule.certainty == "votes" and rule.params.get("rule", "vote") != "vote":
        yield origin.fault(
            "an ensemble that does not vote", "certainty", found=str(rule.params["rule"]), expected="vote"
        )
    elif rule.certainty == "p_value" and rule.detector in WITHOUT_P_VALUE:
        yield origin.fault(
            f"{rule.detector} states no p-value",
            "certainty",
            found=rule.detector,
            expected="a detector that states one",
        )


def _severities(resolved: Resolved, rule: Rule, matrix: Matrix, origin: Origin) -> Iterator[Fault]:
    """One amount per severity at a time, with a date and a basis; the severer the severity, the worse the
    amount."""
    columns = [column.id for column in matrix.columns]
    if not rule.severities:
        yield origin.fault("no severity, so it never gives a level", "severity", expected="[[rule.severity]]")
    indicator = resolved.pack.indicators.get(rule.indicator)
    falling = indicator is not None and indicator.direction == "down"
    # a forecast counts what exceeds the amount, and a score grows either way
    falling = falling and rule.certainty != "probability" and rule.measure != "score"
    for place, one in enumerate(rule.severities):
        if one.column not in columns:
            yield origin.fault(
                "no such column",
                "severity",
                place,
                "column",
                found=repr(one.column),
                expected=", ".join(columns),
            )
            continue
        yield from dated_step(resolved, rule, origin, "severity", place, one)
        for other in rule.severities[:place]:
            if other.column not in columns or not other.validity.overlaps(one.validity):
                continue
            if other.column == one.column:
                yield origin.fault(
                    "two amounts of one severity at the same time",
                    "severity",
                    place,
                    "from",
                    found=f"{one.column}, {spell(one.validity)}",
                    expected=f"dates apart from {spell(other.validity)}",
                )
                continue
            mild, severe = sorted((one, other), key=lambda it: columns.index(it.column))
            gap, way = severe.at_least - mild.at_least, "at most" if falling else "at least"
            if gap > 0 if falling else gap < 0:
                yield origin.fault(
                    "a severer severity begins before a milder one",
                    "severity",
                    place,
                    "at_least",
                    found=f"{severe.column} from {severe.at_least:g}",
                    expected=f"{way} {mild.at_least:g}, that of {mild.column}",
                )
