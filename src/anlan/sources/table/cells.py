"""Cells into numbers and instants, strictly: what cannot be read is said, never guessed."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from anlan.formats.days import month_begins, not_in_calendar, week_begins
from anlan.model.errors import InvalidValue
from anlan.model.time import parse_instant
from anlan.sources.table.mapping import PERIODS, Instants

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unusable(Exception):
    """A record, or one value of it, that cannot be used."""

    def __init__(self, code: str, column: str, message: str, found: object, expected: str) -> None:
        super().__init__(message)
        self.code, self.column, self.message = code, column, message
        self.found, self.expected = found, expected

    def sentence(self, ref: str, line: int) -> str:
        """File, line, column, what was found, what was expected."""
        column = f", column {self.column}" if self.column else ""
        return f"{ref}: line {line}{column}: {self.message}; found {self.found}; expected {self.expected}"


def number(cell: Any, column: str) -> float:
    """A finite decimal number with a point; no thousands separators, no other digits than 0-9."""
    if isinstance(cell, str):
        text = cell.strip()
        if _NUMBER.fullmatch(text):
            value = float(text)
        elif _NOT_FINITE.fullmatch(text):
            raise Unusable("not_finite", column, "not a finite number", repr(cell), "a finite number")
        else:
            raise Unusable("not_a_number", column, "not a number", repr(cell), "a number such as -12.5")
    elif isinstance(cell, bool):
        raise Unusable("not_a_number", column, "not a number", repr(cell), "a number")
    else:
        try:
            value = float(cell)
        except (TypeError, ValueError, OverflowError):
            raise Unusable("not_a_number", column, "not a number", repr(cell), "a number") from None
    if not math.isfinite(value):
        raise Unusable("not_finite", column, "not a finite number", repr(cell), "a finite number")
    return value


class InstantReader:
    """Reads the instants of one column; texts that come again are not read again."""

    def __init__(self, column: str, how: Instants) -> None:
        self.column = column
        self.how = how
        self._seen: dict[str, datetime] = {}

    def read(self, cell: Any) -> datetime:
        """The instant as UTC; Unusable with code naive_time where a zone is missing, else bad_time."""
        if self.how.form in PERIODS and isinstance(cell, int) and not isinstance(cell, bool):
            cell = str(cell)
        if not isinstance(cell, str):
            return self._typed(cell)
        found = self._seen.get(cell)
        if found is None:
            found = self._seen[cell] = self._text(cell.strip())
        return found

    def _text(self, text: str) -> datetime:
        form = self.how.form
        try:
            if form == "rfc3339":
                return self._rfc3339(text)
            if form in PERIODS:
                return self._period(text)
            if form in ("epoch_ms", "epoch_s"):
                return self._epoch(int(text) if text.isascii() else text)
            if form == "date":
                # fromisoformat also takes 20110514 and 2011-W19-6
                if len(text) != 10 or text[4] != "-" or text[7] != "-":
                    raise ValueError("another form")
                return self._local(datetime.fromisoformat(text), text)
            read = datetime.strptime(text, form)  # noqa: DTZ007
            return self._local(read, text) if read.tzinfo is None else read.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self._bad(text) from None

    def _period(self, text: str) -> datetime:
        weeks = PERIODS[self.how.form]
        day = week_begins(text, weeks) if weeks else month_begins(text)
        if day is None:
            none = not_in_calendar(text, weeks) if weeks else ""
            raise Unusable(
                "bad_time",
                self.column,
                f"no such week: {none}" if none else f"not a {'week' if weeks else 'month'}",
                text if " and " in text else repr(text),
                "a week that the year has, as 2012-W05" if weeks else "a month as 2012-01",
            )
        return self._local(datetime(day.year, day.month, day.day), text)  # noqa: DTZ001

    def _rfc3339(self, text: str) -> datetime:
        try:
            return parse_instant(text)
        except InvalidValue as error:
            if "time zone" not in error.message:
                raise self._bad(text) from None
            return self._local(datetime.fromisoformat(text), text)

    def _typed(self, cell: Any) -> datetime:
        if isinstance(cell, datetime):
            return cell.astimezone(UTC) if cell.tzinfo else self._local(cell, cell.isoformat())
        if isinstance(cell, date):
            return self._local(datetime(cell.year, cell.month, cell.day), cell.isoformat())  # noqa: DTZ001
        if isinstance(cell, int) and not isinstance(cell, bool) and self.how.form in ("epoch_ms", "epoch_s"):
            return self._epoch(cell)
        raise self._bad(repr(cell))

    def _epoch(self, value: int | str) -> datetime:
        if isinstance(value, str):
            raise ValueError("not ASCII digits")
        step = timedelta(milliseconds=1) if self.how.form == "epoch_ms" else timedelta(seconds=1)
        return _EPOCH + step * value

    def _local(self, naive: datetime, text: str) -> datetime:
        zone = self.how.zone
        if zone is None:
            raise Unusable(
                "naive_time",
                self.column,
                "a time without a zone",
                repr(text),
                "an offset, or option timezone",
            )
        instant = naive.replace(tzinfo=zone).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) != naive:
            raise Unusable(
                "bad_time", self.column, "no such local time", repr(text), f"a time that {zone.key} has"
            )
        return instant

    def _bad(self, text: str) -> Unusable:
        return Unusable("bad_time", self.column, "not an instant", repr(text), self.how.form)
