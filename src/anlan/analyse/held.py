"""What a table held that could not be used, each with its place and the reason."""

from __future__ import annotations

from dataclasses import dataclass

from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Held:
    """One cell, or one row (`column` empty), that was not used: its value counts as missing. `line` of
    the file, or number of the row in a frame, from 1."""

    line: int
    column: str
    found: str
    code: str
    say: Text


def not_a_number(line: int, column: str, found: str, decimal: str = ".") -> Held:
    sign, zh = ("point", "小数点为 .") if decimal == "." else ("comma", "小数点为逗号")
    return Held(
        line,
        column,
        found,
        "not_a_number",
        Text(
            f"this is no number: the value is missing; expected digits with a decimal {sign}, or NA",
            f"不是数字：按缺失处理；应为数字（{zh}）或 NA",
        ),
    )


def not_a_record(line: int, found: str, message: str) -> Held:
    return Held(
        line,
        "",
        found,
        "not_a_record",
        Text(
            f"{message}: the row is not used, its values are missing",
            "该行字段数与表头不同或引号不成对，未使用，其值按缺失处理",
        ),
    )


def not_a_time(line: int, column: str, found: str, expected: str) -> Held:
    return Held(
        line,
        column,
        found,
        "not_a_time",
        Text(
            f"this is no time on the axis: the row is not used; expected {expected}",
            f"不是时间轴上的时间：该行未使用；应为 {expected}",
        ),
    )


def told_twice(line: int, column: str, found: str, other: int) -> Held:
    return Held(
        line,
        column,
        found,
        "told_twice",
        Text(
            f"line {other} gives another value for the same series and time: neither is used, the value "
            "is missing",
            f"第 {other} 行对同一序列同一时间给出不同的值：两者均不使用，按缺失处理",
        ),
    )


def repeated(line: int, column: str, found: str, other: int) -> Held:
    return Held(
        line,
        column,
        found,
        "repeated",
        Text(
            f"the same as line {other}: counted once",
            f"与第 {other} 行相同：只计一次",
        ),
    )
