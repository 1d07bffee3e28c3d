"""The clusters of an indicator as people look at them: at any instant, forwards or backwards in time.

The same study as that of a rule that scans (`surveys.scan_clusters`), with the rule's settings where the pack
has such a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from anlan.assess.cluster_scan import (
    DAY,
    Settings,
    Timing,
    cluster_words,
    coverage_words,
    ends,
    panel,
    scanned,
    study,
)
from anlan.assess.grid import instant
from anlan.assess.surveys.scan_clusters import SPEC, settings_of
from anlan.model.indicator import Indicator
from anlan.model.pack import Pack
from anlan.ports.desk import ClusterSeen, ClustersSeen
from anlan.ports.lake import Lake

MOMENT = timedelta(microseconds=1)
#: from this p-value down a cluster is drawn in full
STRONG = 0.05
#: clusters shown; weaker ones are counted
MOST = 12


def settings(indicator: Indicator, pack: Pack, timing: Timing) -> Settings:
    """Those of the first rule of the pack that scans the indicator; else a year of weeks, a quarter of
    days, five years of months, and a twelfth of it as the longest cluster."""
    for rule in sorted(pack.rules.values(), key=lambda rule: rule.id):
        if rule.indicator == indicator.id and rule.detector == SPEC.name:
            own = settings_of(SPEC.complete(rule.params))
            return Settings(**{**{f: getattr(own, f) for f in Settings.__slots__}, "timing": timing})
    step = indicator.frequency or DAY
    periods = 90 if step < timedelta(days=7) else 52 if step < timedelta(days=28) else 60
    return Settings(timing, periods=periods, longest=max(4, periods // 12))


def clusters_seen(
    indicator: Indicator, pack: Pack, lake: Lake, places: Sequence[str], known: datetime, timing: Timing
) -> ClustersSeen:
    """The clusters among `places` as known at `known`; of a series that has ended, up to its end."""
    chosen = settings(indicator, pack, timing)
    step = indicator.frequency or DAY
    since = known - step * (chosen.periods + 2)
    slice = lake.read(indicator.id, known=known, since=since, until=known + MOMENT)
    if not len(slice.at):
        ended = lake.read(indicator.id, known=known, until=known + MOMENT)
        if len(ended.at):
            last = instant(ended.at.max())
            slice = lake.read(
                indicator.id, known=known, since=last - step * (chosen.periods + 2), until=last + MOMENT
            )
    grid, values = panel(slice, indicator, pack, places)
    found = scanned(study(grid, values, ends(values), indicator, pack, chosen, known))
    shown = []
    for one in found.clusters[:MOST]:
        lon, lat = found.study.points[one.centre] if one.centre else (0.0, 0.0)
        shown.append(
            ClusterSeen(
                one.rank,
                one.centre or "",
                one.members,
                lon,
                lat,
                one.radius or 0.0,
                one.start,
                one.end,
                one.observed,
                one.expected,
                one.relative_risk if one.relative_risk is not None else one.ode,
                one.llr,
                one.p_value,
                one.recurrence_days,
                one.p_value is not None and one.p_value <= STRONG,
                one.missing,
                cluster_words(one, pack, known),
            )
        )
    return ClustersSeen(
        known,
        timing,
        chosen.model,
        found.unknown,
        coverage_words(found.study),
        found.study.left_out,
        found.study.places,
        tuple(shown),
        len(found.clusters) - len(shown),
        tuple((place, *found.study.points[place]) for place in found.study.places),
    )
