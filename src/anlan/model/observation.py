"""One observed value with its two times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from anlan.model.errors import InvalidValue
from anlan.model.place import Point
from anlan.model.provenance import Provenance
from anlan.model.quantity import unit
from anlan.model.time import utc


@dataclass(frozen=True, slots=True)
class Observation:
    """What was observed: `value` of `indicator` at `place`, holding from `at` (start of the
    indicator's period), learnt at `known`. `value` None says that the source itself reported a gap.
    `event` identifies a single event of an event stream (an earthquake), with its `point`.
    A later `known` for the same (indicator, place, at, event) is a revision; both are kept."""

    indicator: str
    place: str
    at: datetime
    known: datetime
    value: float | None
    unit: str
    provenance: Provenance
    event: str = ""
    point: Point | None = None

    def __post_init__(self) -> None:
        utc(self.at, "observation.at")
        utc(self.known, "observation.known")
        unit(self.unit, "observation.unit")
        if self.value is not None and not math.isfinite(self.value):
            raise InvalidValue(
                "an observation must be finite",
                where="observation.value",
                found=str(self.value),
                expected="a finite number, or null for a gap the source reports",
            )
