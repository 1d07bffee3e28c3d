"""CEL conditions: compiled once, evaluated with three outcomes, examined before service.

The language is the Common Expression Language, read by the package `cel`; nothing here parses it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import cel

from anlan.model.errors import InvalidValue

# What a rule's `when` may speak of: one detection.
DETECTION: Mapping[str, type] = MappingProxyType(
    {
        "value": float,
        "expected": float,
        "threshold": float,
        "score": float,
        "p_value": float,
        "q_value": float,
        "alarm": bool,
        "known": bool,
        "place": str,
        "month": int,
    }
)
LONGEST = 2000
_SAMPLES = 3000  # evaluations per examination, some 4 microseconds each
_NAMES = {float: "double", bool: "bool", str: "string", int: "int"}
_BOUND = re.compile(r"\.(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STRING = re.compile(r""""([^"\\]*)"|'([^'\\]*)'""")
_UNDEFINED = re.compile(r"Undefined variable or function: '([^']*)'")


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled expression. `names` are the variables it uses, with their types."""

    expression: str
    names: tuple[tuple[str, type], ...]
    _program: Any = field(repr=False, compare=False)

    def outcome(self, values: Mapping[str, object]) -> bool | None:
        """True, false, or None where the answer hangs on a number that is missing (None or NaN).

        A missing number is not handed to the engine, so that CEL's own rules for errors apply:
        `alarm || value > 3.0` is true where `alarm` is, whatever `value`. InvalidValue when a
        variable is not given at all or the expression fails for another reason."""
        given: dict[str, Any] = {}
        missing = False
        for name, kind in self.names:
            try:
                value: Any = values[name]
            except KeyError:
                raise InvalidValue(
                    "a variable of the condition is not given",
                    where=self.expression,
                    found=", ".join(sorted(values)),
                    expected=name,
                ) from None
            if value is None or (kind is float and math.isnan(value)):
                missing = True
            else:
                given[name] = kind(value)
        try:
            result = self._program.execute(given)
        except Exception as error:
            if missing:
                return None
            raise InvalidValue("the condition fails", where=self.expression, found=str(error)) from error
        if not isinstance(result, bool):
            raise InvalidValue(
                "the condition gives no yes or no",
                where=self.expression,
                found=repr(result),
                expected="a bool",
            )
        return result

    def evaluate(self, values: Mapping[str, object]) -> bool:
        """True where the condition is known to hold. A comparison with NaN is false, and so is its
        negation: nothing is concluded from a number that is not there."""
        return self.outcome(values) is True


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an expression. `grave` False is a doubt: the expression can run."""

    message: str
    found: str
    expected: str
    grave: bool = True


@lru_cache(maxsize=4096)
def compile_condition(expression: str) -> Condition:
    """The condition, compiled once per process; InvalidValue for what is not CEL or uses variables
    that a detection does not have."""
    program = _program(expression)
    unknown = _unknown(program, expression, DETECTION)
    if unknown:
        raise InvalidValue(
            "no such variable", where=expression, found=", ".join(unknown), expected=", ".join(DETECTION)
        )
    used = set(program.variables())
    return Condition(
        expression, tuple((name, kind) for name, kind in DETECTION.items() if name in used), program
    )


def examine(expression: str, variables: Mapping[str, type] = DETECTION) -> tuple[Problem, ...]:
    """What is wrong with an expression, as far as can be told without its data.

    Certain: syntax; identifiers that are no variable. The engine has no static types, so the rest is
    found by evaluating over sample values of the declared types: both booleans, twelve months, numbers
    on either side of every number written in the expression, and the texts written in it. Reported
    from that: operands that do not fit (`value > "x"`, `value + 1`), unknown or failing functions, a
    result that is no bool; and, as doubts, an expression that fails for some samples (a division by
    zero, an index too far) or that no sample makes true. A fault in a part that
    no sample reaches stays unseen, and `==` between unlike types is no error in CEL, only false."""
    return _examine(expression, tuple(variables.items()))


@lru_cache(maxsize=4096)
def _examine(expression: str, declared: tuple[tuple[str, type], ...]) -> tuple[Problem, ...]:
    variables = dict(declared)
    try:
        program = _program(expression)
    except InvalidValue as error:
        return (Problem(error.message, error.found, error.expected),)
    if unknown := _unknown(program, expression, variables):
        return tuple(Problem("no such variable", name, ", ".join(variables)) for name in unknown)
    used = set(program.variables())
    problems: dict[str, Problem] = {}
    ever = False
    for sample in _samples(expression, {name: kind for name, kind in declared if name in used}):
        try:
            result = program.execute(sample)
        except (TypeError, RuntimeError) as error:
            problem = _failure(str(error), sample, variables)
            problems.setdefault(problem.message, problem)
        except (ArithmeticError, LookupError, ValueError) as error:  # of that sample, perhaps not of others
            message = "the condition fails for some values"
            found = f"{_line(str(error))} for {_spell(sample)}"
            problems.setdefault(
                message, Problem(message, found, "an expression that always has a value", False)
            )
        else:
            if isinstance(result, bool):
                ever |= result
            else:
                message = "the condition gives no yes or no"
                problems.setdefault(message, Problem(message, f"{result!r} for {_spell(sample)}", "a bool"))
    if not ever and not any(problem.grave for problem in problems.values()):
        doubt = "no sample makes the condition true"
        problems[doubt] = Problem(doubt, expression, "a condition that can hold", grave=False)
    return tuple(problems.values())


def _program(expression: str) -> Any:
    if len(expression) > LONGEST:
        raise InvalidValue(
            "the condition is too long",
            where=expression[:60],
            found=f"{len(expression)} characters",
            expected=f"at most {LONGEST}",
        )
    try:
        return cel.compile(expression)
    except ValueError as error:
        text = str(error).partition("ERROR: <input>:")[2] or str(error)
        raise InvalidValue(
            "not a CEL expression",
            where=expression[:60],
            found=_line(text),
            expected="CEL, such as alarm && value > 3.0",
        ) from error


def _unknown(program: Any, expression: str, variables: Mapping[str, type]) -> list[str]:
    bound = set(_BOUND.findall(expression))
    return sorted(set(program.variables()) - set(variables) - bound)


def _failure(text: str, sample: Mapping[str, object], variables: Mapping[str, type]) -> Problem:
    if undefined := _UNDEFINED.search(text):
        return Problem("no such function", undefined[1], "a function of CEL")
    if text.startswith("Function "):
        return Problem("a function of the condition fails", _line(text), "arguments that the function takes")
    types = ", ".join(f"{name} {_NAMES[variables[name]]}" for name in sample)
    return Problem(
        "operands do not fit",
        _line(text.partition(". ")[0]).rstrip("."),
        f"operands of one type; here {types}",
    )


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _spell(sample: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in sample.items()) or "no variables"


def _samples(expression: str, used: Mapping[str, type]) -> Iterator[dict[str, Any]]:
    """Combinations of sample values; an even thinning of them when there are too many."""
    written = sorted({float(number) for number in _NUMBER.findall(expression)})
    texts = sorted({first or second for first, second in _STRING.findall(expression)})
    numbers = {0.0, -1.0, 1e9}
    for number in written:
        numbers |= {number, number - 0.001, number + 0.001, -number - 0.001, number / 2}
    domains: dict[type, list[Any]] = {
        float: sorted(number for number in numbers if math.isfinite(number)),
        bool: [True, False],
        str: ["cn/110105", *texts],
        int: list(range(1, 13)),
    }
    choices = [domains[kind] for kind in used.values()]
    total = math.prod(map(len, choices))
    # A step that shares no factor with the total visits distinct combinations, spread over all.
    step = max(1, total // _SAMPLES)
    while math.gcd(step, total) > 1:
        step += 1
    for turn in range(min(total, _SAMPLES)):
        index = turn * step % total
        sample: dict[str, Any] = {}
        for name, values in zip(used, choices, strict=True):
            index, place = divmod(index, len(values))
            sample[name] = values[place]
        yield sample
