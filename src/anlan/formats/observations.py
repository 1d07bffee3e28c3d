"""Observations on their way in: does one fit its indicator, and how is one held that does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from anlan.formats.values import sha256, short_id
from anlan.model.errors import AnlanError, BadInput, InvalidValue, UnknownIndicator
from anlan.model.indicator import Indicator
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.quantity import convert
from anlan.model.quarantine import Quarantined

_DAY = timedelta(days=1)


class OutOfBounds(BadInput):
    """A value that the indicator cannot have."""

    reason_code = "out_of_bounds"


class FutureAt(BadInput):
    """A value of a time that has not come yet when it is known."""

    reason_code = "future_at"


def indicator_of(id: str, pack: Pack) -> Indicator:
    """The indicator of that id; UnknownIndicator."""
    try:
        return pack.indicators[id]
    except KeyError:
        raise UnknownIndicator(
            "no such indicator",
            where="indicator",
            found=repr(id),
            expected="an id of domains/*/indicators.toml",
        ) from None


def in_bounds(value: float, indicator: Indicator) -> float:
    """`value`, in the indicator's unit, unchanged; OutOfBounds outside `minimum` to `maximum`, and for
    a count below zero."""
    lowest = 0.0 if indicator.minimum is None and indicator.kind == "count" else indicator.minimum
    if (lowest is not None and value < lowest) or (
        indicator.maximum is not None and value > indicator.maximum
    ):
        low = "" if lowest is None else f"at least {lowest:g}"
        high = "" if indicator.maximum is None else f"at most {indicator.maximum:g}"
        raise OutOfBounds(
            f"{indicator.id} cannot have this value",
            where="value",
            found=f"{value:g} {indicator.unit}",
            expected=" and ".join(filter(None, (low, high))),
        )
    return value


def latest_at(known: datetime, indicator: Indicator) -> datetime:
    """The latest `at` that a value may have that is known at `known`: `ahead` of the indicator after it, or
    without one a period of the indicator, and a day at least (a day of the far east begins before that of
    UTC, and clocks differ)."""
    ahead = indicator.ahead
    if ahead is None:
        ahead = max(_DAY, indicator.frequency or _DAY)
    try:
        return known + ahead
    except OverflowError:
        return datetime.max.replace(tzinfo=known.tzinfo)


def _in_time(observation: Observation, indicator: Indicator) -> None:
    latest = latest_at(observation.known, indicator)
    if observation.at > latest:
        raise FutureAt(
            f"{indicator.id} of a time that has not come",
            where="at",
            found=f"{observation.at.isoformat()}, known {observation.known.isoformat()}",
            expected=f"at most {latest.isoformat()}; for forecasts the indicator says how far `ahead`",
        )


def fit(observation: Observation, pack: Pack) -> Observation:
    """The observation in its indicator's unit. UnknownIndicator, WrongUnit, OutOfBounds, FutureAt,
    BadInput for a single event without its id, or UnknownPlace where no place of that id is in force at
    `at`."""
    indicator = indicator_of(observation.indicator, pack)
    _in_time(observation, indicator)
    pack.place(observation.place, observation.at)
    value = observation.value
    if value is None or observation.unit != indicator.unit:
        converted = convert(value or 0.0, observation.unit, indicator.unit, "unit")
        value = None if value is None else converted
    if value is not None:
        in_bounds(value, indicator)
    if indicator.kind == "event" and not observation.event.strip():
        raise BadInput(
            "a single event without its id", where="event", found=repr(observation.event), expected="its id"
        )
    if observation.unit == indicator.unit:
        return observation
    return replace(observation, value=value, unit=indicator.unit)


def code_of(error: AnlanError) -> str:
    """The stable code of the reason for which an input is held."""
    if isinstance(error, BadInput):
        return error.reason_code
    if isinstance(error, InvalidValue):
        return "invalid_value"
    return "bad_input"


def hold(
    source: str,
    ref: str,
    line: int | None,
    known: datetime,
    code: str,
    sentence: str,
    raw: bytes,
    part: str = "",
    content_type: str = "",
) -> Quarantined:
    """An input to keep in quarantine. The id follows from the content: the same record read again is
    the same item. `part` tells several faults of one record apart (the column). `content_type`: what
    `raw` is, where that is not the source's own format."""
    id = short_id("Q", source, ref, "" if line is None else str(line), part, code, sha256(raw))
    return Quarantined(id, source, ref, line, known, code, sentence, raw, content_type=content_type)
