"""From the peer's control list (`hhh4(stsObj, control = list(...))`) to an endemic-epidemic model.

The list is given as text in R's own notation, read by `r_expression`. Known parts: `ar`, `ne`, `end` with
`f`, `lag`, `offset`, `weights`, `scale`, `normalize`; `family`, `subset`, `start`, `data`. Within formulas:
the intercept, covariates that are expressions in `t` and in what `data` names, `fe(x, unitSpecific, which)`,
`ri(type, corr)` and `addSeason2formula`. Weights of neighbours are numbers, also such that change from period
to period, or `W_powerlaw(...)` and `W_np(...)`. A matrix as `ar$f` (which the package refuses as well) and
weights by functions of one's own are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from anlan.assess.models.endemic_epidemic import EndemicEpidemicFit, fit_endemic_epidemic
from anlan.assess.models.epidemic_component import Component, Floats, Term, lagged, neighbours
from anlan.assess.models.neighbour_weights import (
    PowerLaw,
    WeightedNeighbours,
    WeightPerOrder,
    neighbourhood_orders,
)
from anlan.assess.models.r_expression import Call, Constant, Expression, Symbol, deparse, number, parse
from anlan.assess.models.r_value import Formula, evaluate
from anlan.assess.models.random_intercepts import conditional_autoregression

#: an order of neighbourhood that no two units have: maxlag = Inf
_NO_LIMIT = 2**31

Part: TypeAlias = Literal["ar", "ne", "end"]

_PARTS: tuple[Part, ...] = ("ar", "ne", "end")
_ABSENT = Formula(parse("-1"))
_DEFAULT_FORMULA = {"ar": _ABSENT, "ne": _ABSENT, "end": Formula(parse("1"))}
_IGNORED = {"optimizer", "verbose", "keep.terms", "check.analyticals"}
_KNOWN = {*_PARTS, "family", "subset", "start", "data", *_IGNORED}
_KNOWN_OF_PART = {
    "ar": {"f", "lag", "offset"},
    "ne": {"f", "lag", "offset", "weights", "scale", "normalize"},
    "end": {"f", "offset"},
}


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """What a control list speaks of: `counts` [n_units, n_time], names of the units, `time` [n_time]
    (periods, or days of a dated series, since the first), where given `population` [n_units, n_time]
    and `adjacency` [n_units, n_units], 1 = neighbours or the order of neighbourhood, `freq`, periods per
    year, and `covariates` by name, each one number, [n_time] or [n_time, n_units]."""

    counts: Floats
    names: Sequence[str]
    time: Floats
    population: Floats | None = None
    adjacency: Floats | None = None
    freq: int = 52
    covariates: Mapping[str, Any] = field(default_factory=dict)


def fit_control(text: str, data: UnitCounts) -> EndemicEpidemicFit:
    """Fit the model that the control list `text` states to `data`."""
    control = _settings(text, data)
    if unknown := set(control) - _KNOWN:
        raise ValueError(f"hhh4 control: unknown entries {sorted(unknown)}, expected {sorted(_KNOWN)}")
    extra = control.get("data") or {}
    if not isinstance(extra, Mapping):
        raise ValueError("control$data must be a list of covariates by name")
    data = replace(data, covariates={**data.covariates, **extra})
    components = [
        component for part in _PARTS if (component := _component(part, control.get(part) or {}, data))
    ]
    family = control.get("family", "Poisson")
    if isinstance(family, list) and family == ["Poisson", "NegBin1", "NegBinM"]:
        family = "Poisson"
    if not isinstance(family, str | list):
        raise ValueError(f"family must be a name, or factor(...) of a name for each unit, found {family!r}")
    subset = control.get("subset")
    at: npt.NDArray[np.int64] | None = None if subset is None else np.asarray(subset, dtype=np.int64) - 1
    given = control.get("start") or {}
    if unknown := set(given) - {"fixed", "random", "sd.corr"}:
        raise ValueError(f"control$start: unknown entries {sorted(unknown)}")
    start = given.get("fixed")  # those of random effects and variances change no answer
    if isinstance(start, Mapping):
        start = {re.sub(r"^-log\((.*)\)$", r"\1", name): float(value) for name, value in start.items()}
    elif start is not None:
        start = np.atleast_1d(start)
    return fit_endemic_epidemic(
        data.counts,
        components,
        family=family,
        subset=at,
        unit_names=data.names,
        start=start,
        correlated=_correlated(control),
    )


def _settings(text: str, data: UnitCounts) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if data.population is not None:
        known["population"] = data.population.T  # the peer's matrices are time by unit
    if data.adjacency is not None:
        known["adjacency"] = data.adjacency
    control = evaluate(_named(parse(text), data.freq), known, _WEIGHTS)
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


def _power_law(
    maxlag: Any, normalize: bool = True, log: bool = False, initial: Any = None, from0: bool = False
) -> PowerLaw:
    start, names = _initial((0.0 if log else 1.0) if initial is None else initial)
    return PowerLaw(_order(maxlag, _NO_LIMIT), bool(normalize), bool(log), start, bool(from0), names)


def _weight_per_order(
    maxlag: Any, truncate: bool = True, normalize: bool = True, initial: Any = None, from0: bool = False
) -> WeightPerOrder:
    start, names = ((), None) if initial is None else _initial(initial)
    return WeightPerOrder(_order(maxlag), bool(truncate), bool(normalize), start, bool(from0), names)


def _initial(given: Any) -> tuple[tuple[float, ...], tuple[str, ...] | None]:
    if isinstance(given, Mapping):
        return tuple(float(v) for v in given.values()), tuple(given)
    return tuple(float(v) for v in np.atleast_1d(given)), None


def _orders(neighbourhood: Any, maxlag: Any = 1) -> Floats:
    near = np.asarray(neighbourhood)
    return neighbourhood_orders(near, _order(maxlag, len(near) - 1)).astype(np.float64)


def _order(maxlag: Any, most: int | None = None) -> int:
    """The greatest order that counts, no more than `most`."""
    if np.size(maxlag) != 1 or isinstance(maxlag, str):
        raise ValueError(f"maxlag must be one whole number, found {maxlag!r}")
    order = float(np.ravel(maxlag)[0])
    order = order if most is None else min(order, float(most))
    if not order.is_integer():
        raise ValueError(f"maxlag must be a whole number, found {maxlag!r}")
    return int(order)


def _factor(labels: Any, levels: Any = None) -> list[str]:
    del levels  # their order is that of the rows alone
    each = labels if isinstance(labels, list) else list(np.atleast_1d(labels))
    return [label if isinstance(label, str) else number(float(label)) for label in each]


_WEIGHTS: Mapping[str, Callable[..., Any]] = {
    "W_powerlaw": _power_law,
    "W_np": _weight_per_order,
    "nbOrder": _orders,
    "factor": _factor,
}


def _component(part: Part, settings: Mapping[str, Any], data: UnitCounts) -> Component | None:
    if unknown := set(settings) - _KNOWN_OF_PART[part]:
        raise ValueError(
            f"hhh4 control${part}: cannot use {sorted(unknown)}, expected {sorted(_KNOWN_OF_PART[part])}"
        )
    formula = settings.get("f", _DEFAULT_FORMULA[part])
    if part == "ar" and isinstance(formula, np.ndarray):
        raise ValueError("a matrix as control$ar$f is not implemented, as in the package")
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
        return Component(part, terms, offset * lagged(data.counts, int(lag)))
    if part == "ne":
        return Component(part, terms, _neighbours(settings, int(lag), offset, data))
    return Component(part, terms, offset)


def _neighbours(
    settings: Mapping[str, Any], lag: int, factor: Floats, data: UnitCounts
) -> Floats | WeightedNeighbours:
    weights = settings.get("weights")
    if weights is None and data.adjacency is not None:
        weights = data.adjacency == 1  # the package's default
    scale = settings.get("scale")
    scale = None if scale is None else np.asarray(scale, dtype=np.float64)
    normalize = bool(settings.get("normalize", False))
    if isinstance(weights, PowerLaw | WeightPerOrder):
        if data.adjacency is None:
            raise ValueError("W_powerlaw and W_np need the orders of neighbourhood of the units")
        if data.adjacency.max() <= 1 and not weights.from_zero:
            raise ValueError(
                "W_powerlaw and W_np need orders of neighbourhood (0, 1, 2, ...), found 0 and 1 alone: no "
                "weight can be estimated"
            )
        return WeightedNeighbours(weights, data.counts, data.adjacency, lag, scale, normalize, factor)
    if not isinstance(weights, np.ndarray):
        raise ValueError(
            "control$ne$weights must be a matrix, an array with one for each period, W_powerlaw(...) or "
            f"W_np(...), found {'none' if weights is None else type(weights).__name__}"
        )
    return factor * neighbours(
        data.counts, weights.astype(np.float64), lag=lag, scale=scale, normalize=normalize
    )


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
    """The terms of a one-sided formula: intercept first, covariates, then those within `fe()`, a random
    intercept last."""
    has_intercept = True
    plain: list[Expression] = []
    special: list[Call] = []
    random: list[Call] = []
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
            random += [tree] if tree not in random else []
        elif isinstance(tree, Call) and tree.function == "fe":
            special += [tree] if tree not in special else []
        else:
            plain += [tree] if tree not in plain else []
    terms = [_fixed(Constant(1.0), None, data)] if has_intercept else []
    terms += [_fixed(tree, None, data) for tree in plain]
    terms += [_fixed_effect(call, data) for call in special]
    terms += [_random_intercept(call, data) for call in random]
    if sum(bool((term.values == 1).all()) for term in terms) > 1:
        raise ValueError("there can be only one intercept in a formula")
    return tuple(terms)


def _random_intercept(call: Call, data: UnitCounts) -> Term:
    kind, _ = _random_kind(call)
    n_units, n_time = data.counts.shape
    if n_units == 1:
        raise ValueError("random intercepts ri() need more than one unit")
    if kind == "iid":
        effects: Floats = np.eye(n_units)
    elif data.adjacency is None:
        raise ValueError("ri(car) needs the neighbourhood of the units")
    else:
        effects = conditional_autoregression(data.adjacency)
    return Term(f"ri({kind})", np.ones((n_units, n_time)), None, effects)


def _random_kind(call: Call) -> tuple[str, bool]:
    """The kind of a call of `ri`, and whether its effects hang together with those of the other parts."""
    given: dict[str, Expression] = {}
    places = iter(("type", "corr", "initial.fe", "initial.var", "initial.re"))
    for name, value in zip(call.names, call.arguments, strict=True):
        given[name or next(p for p in places if p not in call.names)] = value
    kind, corr = (
        _first(evaluate(given[name], {})) if name in given else default
        for name, default in (("type", "iid"), ("corr", "none"))
    )
    if kind not in ("iid", "car") or corr not in ("none", "all"):
        raise ValueError(f"ri() knows the types iid and car, corr none and all, found {deparse(call)}")
    return kind, corr == "all"


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _correlated(control: Mapping[str, Any]) -> bool:
    """Whether the random intercepts of a unit hang together: those of all parts or of none."""
    formulas = [(control.get(part) or {}).get("f") for part in _PARTS]
    said = [
        _random_kind(tree)[1]
        for formula in formulas
        if isinstance(formula, Formula)
        for _, tree in _summands(formula.right, 1)
        if isinstance(tree, Call) and tree.function == "ri"
    ]
    if any(said) and not all(said):
        raise ValueError("random intercepts must have corr = all in every part, or corr = none")
    return len(said) > 1 and all(said)


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
    values = np.asarray(evaluate(tree, {"t": data.time, **data.covariates}), dtype=np.float64)
    n_units, n_time = data.counts.shape
    if values.shape not in ((), (1,), (n_time,), (n_time, n_units)):
        raise ValueError(
            f"covariate {deparse(tree)} must have {n_time} values, or {n_time} for each of {n_units} units, "
            f"found {values.shape}"
        )
    return Term(
        deparse(tree), np.broadcast_to(values if values.ndim < 2 else values.T, (n_units, n_time)), units
    )


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
