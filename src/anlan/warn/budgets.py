"""What a channel can carry of an area: points, polygons, decimals, and how far it overshoots."""

from __future__ import annotations

from dataclasses import dataclass

from anlan.model.errors import InvalidValue

MILE_KM = 1.609344
#: the points of a box, its closing point included: what every area fits
LEAST = 5


@dataclass(frozen=True, slots=True)
class Budget:
    """`points`: coordinate pairs of all polygons together, the closing pair of each included; `polygons` at
    most, None where only the points count; `digits`: decimals of a degree; `overshoot_km`: how far beyond
    the area the channel may still be received; `source`: where the limits come from. InvalidValue for a
    budget that not even a box fits."""

    points: int
    polygons: int | None = None
    digits: int = 4
    overshoot_km: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        if self.points < LEAST:
            raise InvalidValue(
                "a point budget that no area fits",
                where="budget.points",
                found=str(self.points),
                expected=f"{LEAST} or more: a box and its closing point",
            )
        if self.polygons is not None and self.polygons < 1:
            raise InvalidValue("no polygon allowed", where="budget.polygons", found=str(self.polygons))
        if not 1 <= self.digits <= 7:
            raise InvalidValue(
                "decimals of a degree", where="budget.digits", found=str(self.digits), expected="1 to 7"
            )


#: by the kind of channel. A gateway that says otherwise goes before this table: pass a Budget of your own.
BUDGETS: dict[str, Budget] = {
    "cap": Budget(1000, None, 4, source="own choice: the readers of CAP set no limit, small messages travel"),
    "wea": Budget(
        100,
        10,
        5,
        0.1 * MILE_KM,
        "100 points and 10 polygons as IPAWS takes them for the wireless gateways (own knowledge, ask the "
        "gateway); overshoot 47 CFR 10.450, ATIS-0700041",
    ),
    "cell_broadcast": Budget(
        6000, None, 5, 0.0, "the limit of points that the UK's cell broadcast centres take in one polygon"
    ),
    "wis2": Budget(100, 1, 4, 0.0, "WIS2 notification: one polygon; 8,192 bytes in all"),
}


def budget_of(channel: str) -> Budget:
    """The budget of a kind of channel; InvalidValue where there is none."""
    if channel not in BUDGETS:
        raise InvalidValue(
            "no point budget for that channel", where="channel", found=channel, expected=", ".join(BUDGETS)
        )
    return BUDGETS[channel]
