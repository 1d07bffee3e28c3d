"""Numbers with units. The table below is the whole of what anlan accepts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anlan.model.errors import InvalidValue, WrongUnit


@dataclass(frozen=True, slots=True)
class Unit:
    """`value_in_si = value * factor + offset`; units of one dimension convert to each other."""

    symbol: str
    dimension: str
    factor: float = 1.0
    offset: float = 0.0


def _table(*units: Unit) -> dict[str, Unit]:
    return {unit.symbol: unit for unit in units}


# Symbols follow UCUM where it has one; counts of unlike things do not convert.
UNITS = _table(
    Unit("1", "ratio"),
    Unit("%", "ratio", 0.01),
    Unit("{case}", "cases"),
    Unit("{death}", "deaths"),
    Unit("{person}", "persons"),
    Unit("10000{person}", "persons", 10_000.0),
    Unit("{event}", "events"),
    Unit("{report}", "reports"),
    Unit("{case}/100000{person}", "incidence", 1e-5),
    Unit("{magnitude}", "magnitude"),
    Unit("{intensity}", "intensity"),
    Unit("m", "length"),
    Unit("mm", "length", 1e-3),
    Unit("cm", "length", 1e-2),
    Unit("km", "length", 1e3),
    Unit("[in_i]", "length", 0.0254),
    Unit("[ft_i]", "length", 0.3048),
    Unit("mm/h", "rain rate", 1e-3 / 3600),
    Unit("mm/d", "rain rate", 1e-3 / 86400),
    Unit("m2", "area"),
    Unit("hm2", "area", 1e4),
    Unit("km2", "area", 1e6),
    Unit("m3", "volume"),
    Unit("L", "volume", 1e-3),
    Unit("[bbl_us]", "volume", 0.158987294928),
    Unit("m3/s", "flow"),
    Unit("L/s", "flow", 1e-3),
    Unit("[cft_i]/s", "flow", 0.028316846592),
    Unit("m/s", "speed"),
    Unit("km/h", "speed", 1 / 3.6),
    Unit("[kn_i]", "speed", 1852 / 3600),
    Unit("[mi_i]/h", "speed", 0.44704),
    Unit("K", "temperature"),
    Unit("Cel", "temperature", 1.0, 273.15),
    Unit("[degF]", "temperature", 5 / 9, 273.15 - 32 * 5 / 9),
    Unit("Pa", "pressure"),
    Unit("hPa", "pressure", 100.0),
    Unit("ug/m3", "concentration", 1e-9),
    Unit("mg/m3", "concentration", 1e-6),
    Unit("kg", "mass"),
    Unit("t", "mass", 1e3),
    Unit("J", "energy"),
    Unit("kW.h", "energy", 3.6e6),
    Unit("MW.h", "energy", 3.6e9),
    Unit("TW.h", "energy", 3.6e15),
    Unit("W", "power"),
    Unit("MW", "power", 1e6),
    Unit("s", "time"),
    Unit("min", "time", 60.0),
    Unit("h", "time", 3600.0),
    Unit("d", "time", 86400.0),
    Unit("USD", "US dollars"),
    Unit("USD/[bbl_us]", "oil price"),
    Unit("USD/t", "price per mass"),
    Unit("EUR", "euro"),
    Unit("EUR/MW.h", "power price"),
    Unit("CNY", "yuan"),
    Unit("10000CNY", "yuan", 10_000.0),
)


def unit(symbol: str, where: str = "unit") -> Unit:
    """The unit of that symbol; WrongUnit when the table has none."""
    try:
        return UNITS[symbol]
    except KeyError:
        raise WrongUnit(
            "unknown unit",
            where=where,
            found=repr(symbol),
            expected="a symbol of the units table (docs/reference/units.md)",
        ) from None


def convert(value: float, from_symbol: str, to_symbol: str, where: str = "unit") -> float:
    """`value` in another unit of the same dimension; WrongUnit where dimensions differ."""
    if from_symbol == to_symbol:
        return value
    source, target = unit(from_symbol, where), unit(to_symbol, where)
    if source.dimension != target.dimension:
        raise WrongUnit(
            "units do not convert",
            where=where,
            found=f"{from_symbol} ({source.dimension})",
            expected=f"{to_symbol} ({target.dimension})",
        )
    return (value * source.factor + source.offset - target.offset) / target.factor


@dataclass(frozen=True, slots=True)
class Quantity:
    """A finite number in a known unit."""

    value: float
    unit: str

    def __post_init__(self) -> None:
        unit(self.unit)
        if not math.isfinite(self.value):
            raise InvalidValue(
                "a quantity must be finite",
                where="quantity.value",
                found=str(self.value),
                expected="a finite number, or no observation at all",
            )

    def to(self, symbol: str) -> Quantity:
        return Quantity(convert(self.value, self.unit, symbol), symbol)
