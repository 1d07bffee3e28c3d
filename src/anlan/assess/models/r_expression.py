"""Read and print the small part of the R language in which registers of cases state their parameters:
literals, calls, arithmetic, formulas.

A register in the form of `cases.json` quotes the peer's call as text, for example

    list(ar = list(f = ~1), end = list(f = addSeason2formula(~1, S = 1, period = 52)))

`parse` turns such text into a tree, `deparse` prints a tree the way R names a coefficient
(`sin(2 * pi * t/52)`); `r_value.evaluate` works out its value.

Grammar and precedence: R Language Definition, section 10 (Parser), table of operators.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, text, TRUE/FALSE or NULL."""

    value: float | str | bool | None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name standing for something given from outside."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator applied to arguments; `names` has one entry per argument, None where
    the argument is not named. Brackets are a call of "(", indexing one of "["."""

    function: str
    arguments: tuple[Expression, ...]
    names: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """An argument left out, as in `x[, 1]`."""


Expression: TypeAlias = Constant | Symbol | Call | Empty


_TOKEN = re.compile(
    r"\s*(?:(?P<number>0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)L?"
    r"|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<name>[A-Za-z.][A-Za-z0-9._]*(?:::[A-Za-z.][A-Za-z0-9._]*)?|`[^`]+`)"
    r"|(?P<operator>%[^%\s]*%|==|!=|<=|>=|<-|&&|\|\||[-+*/^:~!<>&|=(),\[\]$@])"
    r"|(?P<end>\Z))"
)
#: operator -> (binding power to the left, to the right); the right power is lower where it is
#: right-associative
_BINARY = {
    "~": (10, 11),
    "||": (20, 21),
    "|": (20, 21),
    "&&": (30, 31),
    "&": (30, 31),
    "==": (40, 41),
    "!=": (40, 41),
    "<": (40, 41),
    ">": (40, 41),
    "<=": (40, 41),
    ">=": (40, 41),
    "+": (50, 51),
    "-": (50, 51),
    "*": (60, 61),
    "/": (60, 61),
    ":": (80, 81),
    "^": (101, 85),  # 2^-1 takes the minus, -2^2 does not: the unary power lies between
    "$": (120, 121),
    "@": (120, 121),
}
_SPECIAL = (70, 71)  # %in%, %% and the like
_UNARY = {"-": 90, "+": 90, "!": 35, "~": 11}
_WORDS: dict[str, float | bool | None] = {
    "TRUE": True,
    "FALSE": False,
    "NULL": None,
    "NA": math.nan,
    "NaN": math.nan,
    "Inf": math.inf,
}


def parse(text: str) -> Expression:
    """The tree of one R expression; ValueError where it is not one, with the place."""
    reader = _Reader(text)
    tree = reader.expression(0)
    reader.expect("")
    return tree


class _Reader:
    """Precedence climbing over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.kind = ""
        self.sign = ""
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            raise ValueError(f"not an R expression at {self.text[self.at : self.at + 20]!r}")
        self.kind = str(match.lastgroup)
        self.sign = match.group(self.kind)
        self.at = match.end()

    def expect(self, token: str) -> None:
        if self.sign != token:
            raise ValueError(f"expected {token or 'the end'!r}, found {self.sign!r} before {self.rest()!r}")
        self.advance()

    def rest(self) -> str:
        return self.text[self.at : self.at + 20]

    def expression(self, power: int) -> Expression:
        left = self.operand()
        while True:
            if self.kind == "operator" and self.sign in ("(", "["):
                left = self.applied(left)
                continue
            operator = self.sign if self.kind == "operator" else ""
            binds = _SPECIAL if operator.startswith("%") else _BINARY.get(operator)
            if binds is None or binds[0] < power:
                return left
            self.advance()
            left = Call(operator, (left, self.expression(binds[1])), (None, None))

    def operand(self) -> Expression:
        kind, sign = self.kind, self.sign
        if kind == "number":
            self.advance()
            return Constant(float(int(sign, 16)) if sign.startswith("0x") else float(sign))
        if kind == "string":
            self.advance()
            return Constant(re.sub(r"\\(.)", r"\1", sign[1:-1]))
        if kind == "name":
            self.advance()
            return Constant(_WORDS[sign]) if sign in _WORDS else Symbol(sign.strip("`"))
        if kind == "operator" and sign in _UNARY:
            self.advance()
            return Call(sign, (self.expression(_UNARY[sign]),), (None,))
        if sign == "(":
            self.advance()
            inner = self.expression(0)
            self.expect(")")
            return Call("(", (inner,), (None,))
        raise ValueError(f"not an R expression: {sign!r} before {self.rest()!r}")

    def applied(self, left: Expression) -> Expression:
        opening = self.sign
        closing = ")" if opening == "(" else "]"
        self.advance()
        arguments: list[Expression] = []
        names: list[str | None] = []
        while self.sign != closing:
            name, argument = self.argument(closing)
            names.append(name)
            arguments.append(argument)
            if self.sign == ",":
                self.advance()
                if self.sign == closing:  # x[1, ]: the last one is left out
                    names.append(None)
                    arguments.append(Empty())
        self.expect(closing)
        if opening == "[":
            return Call("[", (left, *arguments), (None, *names))
        if not isinstance(left, Symbol):
            raise ValueError(f"only a named function can be called, found {deparse(left)}")
        return Call(left.name, tuple(arguments), tuple(names))

    def argument(self, closing: str) -> tuple[str | None, Expression]:
        if self.sign in (",", closing):
            return None, Empty()
        value = self.expression(0)
        if self.kind == "operator" and self.sign == "=":
            name = value.name if isinstance(value, Symbol) else getattr(value, "value", None)
            if not isinstance(name, str):
                raise ValueError(f"expected a name before '=', found {deparse(value)}")
            self.advance()
            return name, self.expression(0)
        return None, value


_TIGHT = {"/", "^", ":", "$", "@"}


def deparse(tree: Expression) -> str:
    """The text R prints for `tree`: blanks about + - * and the comparisons, none about / ^ : and signs."""
    if isinstance(tree, Empty):
        return ""
    if isinstance(tree, Symbol):
        return tree.name
    if isinstance(tree, Constant):
        return _literal(tree.value)
    parts = [deparse(argument) for argument in tree.arguments]
    if tree.function == "(":
        return f"({parts[0]})"
    if tree.function in _BINARY or tree.function in _UNARY or tree.function.startswith("%"):
        if len(parts) == 1:
            return tree.function + parts[0]
        space = "" if tree.function in _TIGHT else " "
        return f"{parts[0]}{space}{tree.function}{space}{parts[1]}"
    named = [f"{name} = {part}" if name else part for name, part in zip(tree.names, parts, strict=True)]
    if tree.function == "[":
        return f"{parts[0]}[{', '.join(named[1:])}]"
    return f"{tree.function}({', '.join(named)})"


def _literal(value: float | str | bool | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return f'"{value}"'
    return number(value)


def number(value: float) -> str:
    """A number as R prints it: fifteen significant digits, fixed or scientific whichever is shorter."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0"
    digits = next(d for d in range(1, 16) if d == 15 or float(f"{value:.{d - 1}e}") == float(f"{value:.14e}"))
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    fixed = f"{value:.{max(0, digits - 1 - power)}f}"
    scientific = f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return fixed if len(fixed) <= len(scientific) else scientific


def find(tree: Expression, function: str) -> Call | None:
    """The first call of `function` within `tree`, outermost first; None where there is none."""
    if not isinstance(tree, Call):
        return None
    if tree.function == function:
        return tree
    return next((found for argument in tree.arguments if (found := find(argument, function))), None)


def argument(call: Call, name: str) -> Expression | None:
    """The argument of `call` given under `name`; None where it is not given by name."""
    return next((a for n, a in zip(call.names, call.arguments, strict=True) if n == name), None)
