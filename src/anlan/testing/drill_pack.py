"""A small made-up pack for the samples of sources: a root, two districts, an indicator of each sort."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from anlan.model.indicator import Indicator, SourceDef
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.text import Text
from anlan.model.time import Validity

_DRILL = Text("Drill", "演练")
_DAY = timedelta(days=1)


def drill_pack(*folders: str) -> Pack:
    """Places xx, xx/1, xx/2 (the last from 2010 on); indicators cases, earthquake_magnitude,
    official_warnings, rain, oil_price. `folders` are where recorded files are looked for."""
    indicators = (
        _indicator("cases", "{case}", "count"),
        _indicator("earthquake_magnitude", "{magnitude}", "event", minimum=-2.0, maximum=10.0),
        _indicator("official_warnings", "1", "event", minimum=0.0, maximum=4.0),
        _indicator("rain", "mm", "measure", minimum=0.0),
        _indicator("oil_price", "USD/[bbl_us]", "price"),
    )
    return Pack(
        id="drill",
        version="1",
        title=_DRILL,
        digest="0" * 64,
        folders=folders,
        places={
            "xx": (Place("xx", _DRILL, "nation"),),
            "xx/1": (Place("xx/1", Text("First district", "第一区"), "district", "xx"),),
            "xx/2": (
                Place(
                    "xx/2",
                    Text("Second district", "第二区"),
                    "district",
                    "xx",
                    validity=Validity(date(2010, 1, 1)),
                ),
            ),
        },
        indicators={indicator.id: indicator for indicator in indicators},
    )


def drill_source(kind: str, indicators: tuple[str, ...] = (), **options: Any) -> SourceDef:
    """A definition with the id `drill` and the options given."""
    return SourceDef("drill", _DRILL, kind, "none", _DRILL, 10 * _DAY, 30 * _DAY, _DAY, indicators, options)


def _indicator(
    id: str, unit: str, kind: str, minimum: float | None = None, maximum: float | None = None
) -> Indicator:
    return Indicator(id, _DRILL, "drill", unit, kind, "up", "drill", _DAY, minimum=minimum, maximum=maximum)
