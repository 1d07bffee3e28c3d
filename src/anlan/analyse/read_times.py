"""A column of times as days or as numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from anlan.analyse.axis import MONTHLY
from anlan.formats.days import by_week, day_of, six_digits
from anlan.formats.weeks import ISO, MMWR, NAMES, count, week_of
from anlan.model.errors import InvalidValue

_WHOLE = re.compile(r"[+-]?\d{1,6}(\.0+)?")


def times(
    cells: Sequence[Any], weeks: str, freq: int | None, numbered: bool, where: Callable[[int], str]
) -> tuple[Any, list[int], str]:
    """(datetime64[D], or int64 where most cells are short whole numbers; rows that are no time, which hold a
    filler; which weeks they are, where they are told by numbers of weeks). `numbered`: it is the column `k`,
    whose numbers are no dates. InvalidValue, at `where(row)`, where 202005 may be a month or a week, or the
    weeks of another calendar fit better than those of ISO 8601, and nobody says which they are."""
    texts = [str(cell).strip() for cell in cells]
    whole = [bool(_WHOLE.fullmatch(text)) for text in texts]
    six = [six_digits(text) for text in texts]
    if not numbered and 2 * sum(six) > len(texts):
        if freq == MONTHLY and not weeks:
            texts = [
                f"{text[:4]}-{text[4:6]}" if fits else text for text, fits in zip(texts, six, strict=True)
            ]
        elif not weeks:
            raise InvalidValue(
                "a number that may be a month or a week",
                where=where(six.index(True)),
                found=repr(texts[six.index(True)]),
                expected="a week as 2020-W05, a month as 2020-05, or word of which it is",
                mend="say it: --weeks iso, --weeks mmwr, or --freq 12 for months",
            )
    elif 2 * sum(whole) > len(texts):
        bad = [i for i, fits in enumerate(whole) if not fits]
        numbers = [int(float(t)) if w else 0 for t, w in zip(texts, whole, strict=True)]
        return np.array(numbers, dtype=np.int64), bad, ""
    days = [day_of(text, weeks) for text in texts]
    bad = [i for i, day in enumerate(days) if day is None]
    if not any(by_week(text) for text in texts) and not weeks:
        return np.array(days, dtype="datetime64[D]"), bad, ""
    if not weeks and not bad:
        _settled([day for day in days if day is not None], texts, where)
    return np.array(days, dtype="datetime64[D]"), bad, weeks or ISO


def _settled(days: Sequence[Any], texts: Sequence[str], where: Callable[[int], str]) -> None:
    """Refuse where whole years have no week 53 that ISO 8601 gives them and MMWR does not."""
    told = {week_of(day): row for row, day in enumerate(days)}
    for (year, week), row in told.items():
        across = week == 52 and count(year) == 53 and (year + 1, 1) in told
        if across and (year, 53) not in told and count(year, MMWR) == 52:
            raise InvalidValue(
                f"{year} has 53 {NAMES[ISO]} weeks and 52 {NAMES[MMWR]} weeks, and no week 53 is told",
                where=where(row),
                found=f"{texts[row]!r}, then week 1 of {year + 1}",
                expected="a row for the week 53, or word of which weeks they are",
                mend="say it: --weeks iso (week 53 is then missing) or --weeks mmwr",
            )
