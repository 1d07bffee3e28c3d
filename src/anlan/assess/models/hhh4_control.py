"""From the peer's control list (`hhh4(stsObj, control = list(...))`) to an endemic-epidemic model.

The list is given as text in R's own notation, read by `r_expression`. Known parts: `ar`, `ne`, `end` with
`f`, `lag`, `offset`, `weights`, `scale`, `normalize`; `family`, `subset`, `start$fixed`. Within formulas:
the intercept, covariates that are expressions in `t`, `fe(x, unitSpecific, which)` and
`addSeason2formula`; weights of neighbours may change from period to period. Random intercepts, a matrix as
`ar$f` and parametric weights are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from anlan.assess.models.endemic_epidemic import EndemicEpidemicFit, fit_endemic_epidemic
from anlan.assess.models.epidemic_component import Component, Floats, Term, lagged, neighbours
from anlan.assess.models.r_expression import Call, Constant, Expression, Symbol, deparse, number, parse
from anlan.assess.models.r_value import Formula, evaluate

Part: TypeAlias = Literal["ar", "ne", "end"]

_PARTS: tuple[Part, ...] = ("ar", "ne", "end")
_ABSENT = Formula(parse("-1"))
_DEFAULT_FORMULA = {"ar": _ABSENT, "ne": _ABSENT, "end": Formula(parse("1"))}
_IGNORED = {"optimizer", "verbose", "keep.terms", "check.analyticals"}
_KNOWN = {*_PARTS, "family", "subset", "start", *_IGNORED}
_KNOWN_OF_PART = {
    "ar": {"f", "lag", "offset"},
    "ne": {"f", "lag", "offset", "weights", "scale", "normalize"},
    "end": {"f", "offset"},
}


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """What a control list speaks of: `counts` [n_units, n_time], names of the units, `time` [n_time]
    (periods, or days of a dated series, since the first), where given `population` [n_units, n_time]
    and `adjacency` [n_units, n_units], and `freq`, periods per year."""

    counts: Floats
    names: Sequence[str]
    time: Floats
    population: Floats | None = None
    adjacency: Floats | None = None
    freq: int = 52


def fit_control(text: str, data: UnitCounts) -> EndemicEpidemicFit:
    """Fit the model that the control list `text` states to `data`."""
    control = _settings(text, data)
    if unknown := set(control) - _KNOWN:
        raise ValueError(f"hhh4 control: unknown entries {sorted(unknown)}, expected {sorted(_KNOWN)}")
    components = [
        component for part in _PARTS if (component := _component(part, control.get(part) or {}, data))
    ]
    family = control.get("family", "Poisson")
    if not isinstance(family, str):
        raise ValueError(f"family must be a name, found {family!r}")
    subset = control.get("subset")
    at: npt.NDArray[np.int64] | None = None if subset is None else np.asarray(subset, dtype=np.int64) - 1
    start = (control.get("start") or {}).get("fixed")
    if isinstance(start, Mapping):
        raise ValueError("start$fixed must be given without names, in the order of the coefficients")
    return fit_endemic_epidemic(
        data.counts,
        components,
        family=family,  # type: ignore[arg-type]  # checked where it is used
        subset=at,
        unit_names=data.names,
        start=None if start is None else np.atleast_1d(start),
    )


def _settings(text: str, data: UnitCounts) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if data.population is not None:
        known["population"] = data.population.T  # the peer's matrices are time by unit
    if data.adjacency is not None:
        known["adjacency"] = data.adjacency
    control = evaluate(_named(parse(text), data.freq), known)
    if not isinstance(control, dict):
        raise ValueError(f"hhh4 control must be a list, found {text[:60]!r}")
    return control


def _named(tree: Expression, freq: int) -> Expression:
    """`tree` with `population(x)` and `neighbourhood(x)` replaced by the names of what they give, `x@freq` by
    its value, and formulas with their seasons written out."""
    if not isinstance(tree, Call):
        return tree
    if tree.function == "@" and tree.arguments[1] == Symbol("freq"):
        return Constant(float(freq))
    if tree.function == "population":
        return Symbol("population")
    if tree.function == "neighbourhood":
        return Symbol("adjacency")
    told = Call(tree.function, tuple(_named(a, freq) for a in tree.arguments), tree.names)
    return add_season(told) if tree.function == "addSeason2formula" else told


def add_season(call: Call) -> Call:
    """The formula that `addSeason2formula(f, S, period, timevar)` returns: S sine-cosine pairs, or, where S
    has one number per unit, pairs for those units only."""
    given: dict[str, Expression] = {}
    places = iter(("f", "S", "period", "timevar"))
    for name, value in zip(call.names, call.arguments, strict=True):
        given[name or next(p for p in places if p not in call.names)] = value
    formula = given.get("f", Call("~", (Constant(1.0),), (None,)))
    if not (isinstance(formula, Call) and formula.function == "~"):
        raise ValueError(f"addSeason2formula needs a formula, found {deparse(formula)}")
    harmonics = np.atleast_1d(evaluate(given.get("S", Constant(1.0)), {})).astype(int)
    period = number(float(evaluate(given.get("period", Constant(52.0)), {})))
    variable = str(evaluate(given.get("timevar", Constant("t")), {}))
    text = deparse(formula.arguments[-1])
    for h in range(1, int(harmonics.max()) + 1):
        for wave in ("sin", "cos"):
            term = f"{wave}({2 * h}*pi*{variable}/{period})"
            if harmonics.size > 1:
                which = ", ".join("TRUE" if h <= s else "FALSE" for s in harmonics)
                term = f"fe({term}, which = c({which}))"
            text += f" + {term}"
    return Call("~", (parse(text),), (None,))


def _component(part: Part, settings: Mapping[str, Any], data: UnitCounts) -> Component | None:
    if unknown := set(settings) - _KNOWN_OF_PART[part]:
        raise ValueError(
            f"hhh4 control${part}: cannot use {sorted(unknown)}, expected {sorted(_KNOWN_OF_PART[part])}"
        )
    formula = settings.get("f", _DEFAULT_FORMULA[part])
    if not isinstance(formula, Formula):
        raise ValueError(f"control${part}$f must be a formula")
    terms = formula_terms(formula, data)
    if not terms:
        return None
    lag = settings.get("lag", 1.0)
    if part != "end" and (int(lag) != lag or lag < (part == "ar")):
        raise ValueError(f"control${part}$lag must be a whole number of periods, found {lag}")
    offset = _offset(part, settings.get("offset", 1.0), data)
    if part == "ar":
        offset = offset * lagged(data.counts, int(lag))
    elif part == "ne":
        weights = settings.get("weights", data.adjacency)
        if not isinstance(weights, np.ndarray):
            raise ValueError(
                "control$ne$weights must be a matrix, or an array with one for each period; parametric "
                "weights are not implemented"
            )
        scale = settings.get("scale")
        offset = offset * neighbours(
            data.counts,
            weights.astype(np.float64),
            lag=int(lag),
            scale=None if scale is None else np.asarray(scale, dtype=np.float64),
            normalize=bool(settings.get("normalize", False)),
        )
    return Component(part, terms, offset)


def _offset(part: str, given: Any, data: UnitCounts) -> Floats:
    if given is None or np.ndim(given) == 0:
        if given is not None and float(given) != 1:
            raise ValueError(f"control${part}$offset must be 1 or a matrix, found {given}")
        return np.ones(data.counts.shape)
    offset = np.asarray(given, dtype=np.float64).T
    if offset.shape != data.counts.shape:
        raise ValueError(f"control${part}$offset must be {data.counts.shape[::-1]}, found {offset.T.shape}")
    if np.isnan(offset).any():
        raise ValueError(f"control${part}$offset must not have missing values")
    return offset


def formula_terms(formula: Formula, data: UnitCounts) -> tuple[Term, ...]:
    """The terms of a one-sided formula: intercept first, covariates, then those within `fe()`."""
    has_intercept = True
    plain: list[Expression] = []
    special: list[Call] = []
    for sign, tree in _summands(formula.right, 1):
        if isinstance(tree, Constant):
            if tree.value not in (0.0, 1.0):
                raise ValueError(f"a formula may add or drop 0 and 1, found {deparse(tree)}")
            has_intercept = (tree.value == 1.0) == (sign > 0)
        elif sign < 0:
            raise ValueError(f"only the intercept can be dropped, found - {deparse(tree)}")
        elif isinstance(tree, Call) and tree.function in (":", "*", "^", "%in%"):
            raise ValueError(f"interaction terms are not implemented: {deparse(tree)}")
        elif isinstance(tree, Call) and tree.function == "ri":
            raise ValueError("random intercepts ri() are not implemented")
        elif isinstance(tree, Call) and tree.function == "fe":
            special += [tree] if tree not in special else []
        else:
            plain += [tree] if tree not in plain else []
    terms = [_fixed(Constant(1.0), None, data)] if has_intercept else []
    terms += [_fixed(tree, None, data) for tree in plain]
    terms += [_fixed_effect(call, data) for call in special]
    if sum(term.units is None and bool((term.values == 1).all()) for term in terms) > 1:
        raise ValueError("there can be only one intercept in a formula")
    return tuple(terms)


def _summands(tree: Expression, sign: int) -> list[tuple[int, Expression]]:
    if isinstance(tree, Call) and tree.function in ("+", "-"):
        last = sign if tree.function == "+" else -sign
        if len(tree.arguments) == 1:
            return _summands(tree.arguments[0], last)
        return [*_summands(tree.arguments[0], sign), *_summands(tree.arguments[1], last)]
    if isinstance(tree, Call) and tree.function == "(":
        return _summands(tree.arguments[0], sign)
    return [(sign, tree)]


def _fixed(tree: Expression, units: npt.NDArray[np.bool_] | None, data: UnitCounts) -> Term:
    values = np.asarray(evaluate(tree, {"t": data.time}), dtype=np.float64)
    n_units, n_time = data.counts.shape
    if values.shape not in ((), (1,), (n_time,)):
        raise ValueError(f"covariate {deparse(tree)} must have {n_time} values, found {values.shape}")
    return Term(deparse(tree), np.broadcast_to(values, (n_units, n_time)), units)


def _fixed_effect(call: Call, data: UnitCounts) -> Term:
    given: dict[str, Expression] = {}
    places = iter(("x", "unitSpecific", "which", "initial"))
    for name, value in zip(call.names, call.arguments, strict=True):
        given[name or next(p for p in places if p not in call.names)] = value
    n_units = len(data.counts)
    units: npt.NDArray[np.bool_] | None = None
    if "which" in given:
        units = np.atleast_1d(evaluate(given["which"], {})).astype(np.bool_)
        if units.shape != (n_units,):
            raise ValueError(f"which must have one entry per unit ({n_units}), found {units.size}")
    elif "unitSpecific" in given and evaluate(given["unitSpecific"], {}):
        units = np.ones(n_units, dtype=np.bool_)
    return _fixed(given["x"], units, data)
