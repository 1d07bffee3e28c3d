"""Which parameters the R package's models take, and of what kind: what a register's control may hold.

A register is written by strangers. A name that a model does not know, a value of the wrong kind, or a setting
that would change the answer and has no counterpart here is refused by name: an answer to another question
than the one asked is worse than none. A few parameters change no number that is written (what is plotted,
drawn or printed); those are taken and left alone.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from anlan.assess.models.peer_case import NUMBER, numbers

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Kind:
    """`words` what is expected; `fits(value)`; `null` whether R's NULL does as well (the default)."""

    words: str
    fits: Callable[[Any], bool]
    null: bool = True


def _number(value: Any) -> bool:
    if isinstance(value, list) and len(value) == 1:
        return _number(value[0])
    if isinstance(value, str):
        return bool(re.fullmatch(NUMBER, value.strip()))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    if isinstance(value, list) and len(value) == 1:
        return _whole(value[0])
    return _number(value) and float(value).is_integer()


def _numbers(value: Any) -> bool:
    try:
        return bool(np.isfinite(numbers(value)).all()) and not isinstance(value, bool)
    except (ValueError, TypeError, KeyError):
        return False


def _yes_no(value: Any) -> bool:
    return isinstance(value, bool) or value in ("TRUE", "FALSE", 0, 1)


def _date(value: Any) -> bool:
    return isinstance(value, str) and bool(_DATE.fullmatch(value))


def _dates(value: Any) -> bool:
    each = value if isinstance(value, list) else [value]
    return bool(each) and all(isinstance(v, str) and bool(_DATE.search(v)) for v in each)


def _one_of(*words: str) -> Kind:
    return Kind("one of " + ", ".join(words), lambda value: value in words)


NUMBER_ = Kind("one number", _number)
NEEDED = Kind("one number", _number, null=False)
WHOLE = Kind("one whole number", _whole)
NUMBERS = Kind("numbers", _numbers)
YES_NO = Kind("true or false", _yes_no)
NAME = Kind("the name of a column", lambda value: isinstance(value, str))
ANY = Kind("anything", lambda _: True)
#: changes the answer, and has no counterpart here
ABSENT = Kind("nothing: it is not implemented", lambda _: False)
OFF = Kind("FALSE: it is not implemented", lambda value: value in (False, "FALSE", 0))
#: a range of rows, or words and descriptions that the model itself reads
ROWS = Kind(
    "rows as {from, to}, a list, or 101:171",
    lambda value: (isinstance(value, Mapping) and {*value} == {"from", "to"}) or _numbers(value),
)
WORDS = Kind(
    "a number, numbers or words",
    lambda value: isinstance(value, str | Mapping) or _numbers(value) or _matrix(value),
)
LAWS = _one_of("poisson", "binomial")
#: data of the call, and what only prints or plots
DATA, ASIDE = ANY, ANY


def _matrix(value: Any) -> bool:
    return isinstance(value, list) and all(_numbers(row) for row in value)


KNOWN: Mapping[str, Mapping[str, Kind]] = {
    "hhh4": {
        "stsObj": DATA,
        "control": Kind("the control list as text in R", lambda v: isinstance(v, str), null=False),
        "check.analyticals": OFF,
    },
    "nowcast": {
        "data": DATA,
        "now": Kind("a date as 2011-06-02", _date, null=False),
        "when": Kind("a date, dates, or the first and last of them", _dates, null=False),
        "dEventCol": NAME,
        "dReportCol": NAME,
        # the methods that are not here are refused where the method is looked at
        "method": Kind("a word", lambda v: isinstance(v, str), null=False),
        "aggregate.by": _one_of("1 day", "1 week", "1 month"),
        "D": WHOLE,
        "m": WHOLE,
        "m.interpretation": _one_of("hoehle_anderheiden2014", "lawless1994"),
        "dRange": Kind("two dates", lambda v: isinstance(v, list) and len(v) == 2 and _dates(v)),
        "alpha": NUMBER_,
        "nSamples": ASIDE,  # the quantiles are worked out, not drawn
        "N.tInf.prior": Kind(
            "poisgamma or unif", lambda v: isinstance(v, Mapping | str) and str(v).strip() != "pois"
        ),
        "mean.lambda": NUMBER_,
        "var.lambda": NUMBER_,
        "N.tInf.max": WHOLE,
        "gd.prior.kappa": NUMBER_,
        "ddcp": ASIDE,  # of the one method that is not here
        "score": ASIDE,
        "predPMF": ASIDE,
    },
    "backprojNP": {
        "sts": DATA,
        "incu.pmf": DATA,
        "k": WHOLE,
        "eps": NUMBERS,
        "iter.max": NUMBERS,
        "Tmark": ABSENT,
        "lambda0": ABSENT,
        "B": WHOLE,  # adds an interval and changes no estimate
        "alpha": NUMBER_,  # of that interval
        "verbose": ASIDE,
        "eq3a.method": _one_of("R", "C"),
        "hookFun": ASIDE,
    },
    "stcd": {
        "x": DATA,
        "y": DATA,
        "t": DATA,
        "radius": NEEDED,
        "epsilon": NEEDED,
        "areaA": ASIDE,  # neither area is used by the package
        "areaAcapBk": ASIDE,
        "threshold": NEEDED,
        "cusum": YES_NO,
    },
    "hValues": {
        "theta0": WORDS,
        "ARL0": NEEDED,
        "rel.tol": NUMBER_,
        "s": NUMBER_,
        "roundK": YES_NO,
        "digits": WHOLE,
        "distr": LAWS,
        "distribution": LAWS,
        "FIR": YES_NO,
        "n": NUMBER_,
    },
    "arlCusum": {
        "h": NUMBERS,
        "k": NUMBERS,
        "theta": NUMBERS,
        "distr": LAWS,
        "distribution": LAWS,
        "W": NUMBER_,
        "digits": WHOLE,
        "n": NUMBER_,
    },
    "LRCUSUM.runlength": {
        "mu": NUMBERS,
        "mu0": NUMBERS,
        "mu1": NUMBERS,
        "h": NUMBERS,
        "dfun": ANY,
        "alpha": NUMBER_,
        "n": NUMBER_,
        "g": WHOLE,
        "outcomeFun": ABSENT,
    },
    "categoricalCUSUM": {
        "stsObj": DATA,
        "range": ROWS,
        "h": NUMBER_,
        "pi0": WORDS,
        "pi1": WORDS,
        "dfun": ANY,
        "ret": _one_of("value", "cases"),
    },
    "rogerson": {
        "disProgObj": DATA,
        "range": ROWS,
        "theta0t": WORDS,
        "ARL0": NUMBER_,
        "s": NUMBER_,
        "hValues": WORDS,
        "distribution": LAWS,
        "nt": WORDS,
        "n": NUMBER_,
        "FIR": YES_NO,
        "limit": NUMBER_,
        "digits": WHOLE,
    },
    "pairedbinCUSUM": {
        "stsObj": DATA,
        "range": ROWS,
        "theta0": NUMBERS,
        "theta1": NUMBERS,
        **dict.fromkeys(("h1", "h2", "h11", "h22"), NEEDED),
    },
    "pairedbinCUSUM.runlength": {
        "p": NUMBERS,
        "w1": NUMBERS,
        "w2": NUMBERS,
        **dict.fromkeys(("h1", "h2", "h11", "h22"), NEEDED),
        "sparse": ASIDE,
    },
}


def check_control(detector: str, control: Any) -> None:
    """Refuse (ValueError) a control that is no list of parameters, a name the model does not have, a NULL
    where it needs a value, and a value of another kind."""
    if not isinstance(control, Mapping):
        raise ValueError(f"control must be a list of parameters by name, found {control!r}")
    known = KNOWN[detector]
    for name, value in control.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ValueError(
                f"{detector} has no parameter {name!r}{hint}; expected some of: {', '.join(known)}"
            )
        kind = known[name]
        if value is None:
            if not kind.null:
                raise ValueError(f"{detector} stops where {name} is NULL; expected {kind.words}")
        elif not kind.fits(value):
            raise ValueError(f"{detector}: {name} must be {kind.words}, found {value!r}")
