"""Drafts of one storm are one row: those of the risks of one card stand together, as the risks do.

A thousand gusts make a thousand drafts where the plan asks for them. The one draft of a flood must not stand
behind them.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime

from anlan.model.assessment import Assessment
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.warning import Warning
from anlan.warn.group import Card, cards


@dataclass(frozen=True, slots=True)
class Drafts:
    """`warnings`: the most severe first, then the oldest. `card`: of their risks, None for a single draft.
    `quiet`: every one of these risks is muted."""

    card: Card | None
    warnings: tuple[Warning, ...]
    quiet: bool = False

    @property
    def first(self) -> Warning:
        return self.warnings[0]


def together(
    warnings: Iterable[Warning],
    live: Iterable[Assessment],
    state: State,
    pack: Pack,
    now: datetime,
    hushed: Container[str] = (),
) -> list[Drafts]:
    """One row a card: what is heard before what is muted, the most severe first, then the oldest. The cards
    are those of all `live` risks, so that a row is the group of that name."""
    listed = sorted(warnings, key=_rank)
    hazards = {warning.hazard for warning in listed}
    risks = {risk.id: risk for risk in live if risk.hazard in hazards}
    risks |= {w.risk: state.assessments[w.risk] for w in listed if w.risk in state.assessments}
    by_risk = {risk: card for card in cards(risks.values(), state, pack, now) for risk in card.risks}
    groups: dict[str, list[Warning]] = {}
    for warning in listed:
        card = by_risk.get(warning.risk)
        groups.setdefault(warning.id if card is None else card.id, []).append(warning)
    rows = [
        Drafts(
            by_risk.get(own[0].risk) if len(own) > 1 else None,
            tuple(own),
            all(one.risk in hushed for one in own),
        )
        for own in groups.values()
    ]
    return sorted(rows, key=lambda row: (row.quiet, *_rank(row.first)))


def _rank(warning: Warning) -> tuple[int, datetime, str]:
    return warning.level, warning.drafted, warning.id
