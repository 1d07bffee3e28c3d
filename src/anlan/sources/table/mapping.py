"""The options of a table source, read once: which column means what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from anlan.formats.told_in_two import found_in, kind
from anlan.formats.weeks import ISO, MMWR
from anlan.model.errors import InvalidValue
from anlan.model.indicator import SourceDef
from anlan.sources.manifest import duration

#: forms of `at_format` for whole periods: which weeks they are, empty for months
PERIODS = {"iso_week": ISO, "mmwr_week": MMWR, "month": ""}
_CLOCK = re.compile(r"%[HIMSfcXTR]")


@dataclass(frozen=True, slots=True)
class Series:
    """A column of values of one indicator, or `=` and a number: the value of every row, where each row is
    one case of something. `unit` empty means the indicator's own. `event`: the id of the event that the
    column is of, empty as the row says (a member of an ensemble); `ahead`: so long after the row's `at` its
    values hold (a forecast's lead)."""

    column: str
    indicator: str
    unit: str
    event: str = ""
    ahead: timedelta = timedelta(0)

    @property
    def constant(self) -> bool:
        return self.column.startswith("=")


@dataclass(frozen=True, slots=True)
class Instants:
    """How a column's instants are written: date, rfc3339, epoch_ms, epoch_s, iso_week, mmwr_week, month or a
    strptime pattern; `zone` for those without one of their own, None where there is none to assume. A week or
    a month is the instant at which it begins there."""

    form: str
    zone: ZoneInfo | None


@dataclass(frozen=True, slots=True)
class Derived:
    """An indicator made by a query; `where` names it in errors, `zone` is that of `local`."""

    indicator: str
    sql: str
    zone: ZoneInfo
    where: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """Exactly one of `place_column` and `place` is set. `at_parts`: the year's column and that of the week or
    month, where two tell the time, which `at_column` names together. `only`: column -> the texts of rows that
    are read; the others are left out and counted."""

    format: str
    encoding: str
    delimiter: str
    place: str
    place_column: str
    place_map: dict[str, str]
    place_prefix: str
    at_column: str
    at_parts: tuple[str, ...]
    at: Instants
    at_back: timedelta
    known_column: str
    known: Instants
    known_lag: timedelta | None
    series: tuple[Series, ...]
    event: str
    lon: str
    lat: str
    depth: str
    missing: frozenset[str]
    only: dict[str, frozenset[str]]
    derived: tuple[Derived, ...]
    derived_only: bool

    def columns(self) -> tuple[str, ...]:
        """Every column that must be there."""
        named = (
            self.place_column,
            *(self.at_parts or (self.at_column,)),
            self.known_column,
            *(series.column for series in self.series if not series.constant),
            self.event,
            self.lon,
            self.lat,
            self.depth,
            *self.only,
        )
        return tuple(dict.fromkeys(filter(None, named)))


def read_mapping(definition: SourceDef) -> Mapping:
    """InvalidValue naming the option that does not fit the others."""
    options = definition.options
    where = f"source {definition.id}.options"
    recorded = [str(name) for name in options.get("recorded", ())]
    name = str(options.get("file") or options.get("url") or next(iter(recorded), ""))
    place = str(options["place"])
    at_column, at_parts, at_form = _at(options, where)
    zone = _zone(options.get("timezone"), where)
    lag = None if "known_lag" not in options else duration(options["known_lag"], f"{where}.known_lag")
    if "known" in options and lag is not None:
        raise InvalidValue(
            "known is given twice", where=where, found="known and known_lag", expected="one of them"
        )
    if ("lon" in options) != ("lat" in options):
        raise InvalidValue("half a point", where=where, found="one of lon, lat", expected="both")
    constant = place.startswith("=")
    return Mapping(
        format=str(options.get("format") or _format(name, where)),
        encoding=str(options.get("encoding", "utf-8")),
        delimiter=str(options.get("delimiter", ",")),
        place=place[1:] if constant else "",
        place_column="" if constant else place,
        place_map={str(key): str(value) for key, value in options.get("place_map", {}).items()},
        place_prefix=str(options.get("place_prefix", "")),
        at_column=at_column,
        at_parts=at_parts,
        at=_instants(at_form, zone, where),
        at_back=duration(options.get("at_back", "PT0S"), f"{where}.at_back"),
        known_column=str(options.get("known", "")),
        known=_instants(str(options.get("known_format", "rfc3339")), zone, where),
        known_lag=lag,
        series=_series(definition, where),
        event=str(options.get("event", "")),
        lon=str(options.get("lon", "")),
        lat=str(options.get("lat", "")),
        depth=str(options.get("depth", "")),
        missing=frozenset(str(text) for text in options.get("missing", ("",))),
        only=_only(options.get("where", {})),
        derived=_derived(options.get("derive", ()), zone or ZoneInfo("UTC"), where),
        derived_only=bool(options.get("derived_only", False)),
    )


def _at(options: dict[str, Any], where: str) -> tuple[str, tuple[str, ...], str]:
    """(the column as it is named, the two columns where there are two, the form)."""
    name, form = str(options["at"]), str(options.get("at_format", ""))
    parts = tuple(part.strip() for part in name.split(","))
    two = found_in(parts) if len(parts) == 2 else None
    if two is not None and not form:
        form = "month" if two.unit == "month" else "mmwr_week" if kind(parts, two) == MMWR else "iso_week"
    if form not in PERIODS or len(parts) == 1:
        return name, (), form or "rfc3339"
    if len(parts) != 2 or not all(parts):
        raise InvalidValue(
            "not two columns", where=f"{where}.at", found=repr(name), expected="one column, or YEAR,WEEK"
        )
    return name, parts if two is None else (parts[two.year], parts[two.part]), form


def _series(definition: SourceDef, where: str) -> tuple[Series, ...]:
    options = definition.options
    listed: list[dict[str, Any]] = list(options.get("series", []))
    if "value" in options:
        listed.append(
            {
                "column": options["value"],
                "indicator": options.get("indicator")
                or (definition.indicators[0] if len(definition.indicators) == 1 else None),
                "unit": options.get("unit", ""),
            }
        )
    found = []
    for number, entry in enumerate(listed):
        for name in ("column", "indicator"):
            if not entry.get(name):
                raise InvalidValue(
                    "a series needs a column and an indicator",
                    where=f"{where}.series[{number}].{name}",
                    found="nothing",
                    expected=f"a {name}",
                )
        found.append(
            Series(
                str(entry["column"]),
                str(entry["indicator"]),
                str(entry.get("unit", "")),
                str(entry.get("event", "")),
                duration(entry.get("ahead", "PT0S"), f"{where}.series[{number}].ahead"),
            )
        )
    if not found:
        raise InvalidValue("no values", where=where, found="nothing", expected="value, or series")
    return tuple(found)


def _only(given: dict[str, Any]) -> dict[str, frozenset[str]]:
    return {
        str(column): frozenset(map(str, wanted if isinstance(wanted, list | tuple) else [wanted]))
        for column, wanted in given.items()
    }


def _derived(given: Sequence[dict[str, Any]], zone: ZoneInfo, where: str) -> tuple[Derived, ...]:
    found = []
    for number, entry in enumerate(given):
        at = f"{where}.derive[{number}]"
        for name in ("indicator", "sql"):
            if not entry.get(name):
                raise InvalidValue(
                    "a derived indicator needs an indicator and a query",
                    where=f"{at}.{name}",
                    found="nothing",
                    expected=name,
                )
        found.append(Derived(str(entry["indicator"]), str(entry["sql"]), zone, f"{at}.sql"))
    return tuple(found)


def _instants(form: str, zone: ZoneInfo | None, where: str) -> Instants:
    if form not in ("date", "rfc3339", "epoch_ms", "epoch_s", *PERIODS) and "%" not in form:
        raise InvalidValue(
            "no such form of instants",
            where=f"{where}.at_format",
            found=form,
            expected=f"date, rfc3339, epoch_ms, epoch_s, {', '.join(PERIODS)}, or a strptime pattern",
        )
    if zone is None and (form in ("date", *PERIODS) or ("%" in form and not _CLOCK.search(form))):
        zone = ZoneInfo("UTC")
    return Instants(form, zone)


def _zone(name: Any, where: str) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidValue(
            "no such time zone",
            where=f"{where}.timezone",
            found=repr(name),
            expected="an IANA name, such as Asia/Shanghai",
        ) from None


def _format(name: str, where: str) -> str:
    plain = name.partition("?")[0].lower().removesuffix(".gz")
    for ending, form in ((".csv", "csv"), (".tsv", "csv"), (".txt", "csv"), (".parquet", "parquet")):
        if plain.endswith(ending):
            return form
    raise InvalidValue(
        "the name does not tell the format", where=f"{where}.format", found=name, expected="csv or parquet"
    )
