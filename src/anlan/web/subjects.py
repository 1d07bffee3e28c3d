"""Where a record lies: what access is decided on."""

from __future__ import annotations

from anlan.model.errors import NotFound
from anlan.model.state import State


def places_of(state: State, id: str) -> tuple[str, ...]:
    """The places of a risk, finding, warning, delivery, incident, task, report, review or lesson;
    NotFound for an id that none of them has."""
    if warning := state.warnings.get(id):
        return warning.places
    if silence := state.silences.get(id):
        return silence.places
    if relayed := state.relayed.get(id):
        return relayed.places
    for table in (state.assessments, state.findings, state.incidents):
        if placed := table.get(id):
            return (placed.place,)
    for owned in (
        state.deliveries,
        state.tasks,
        state.reports,
        state.reviews,
        state.lessons,
        state.stand_downs,
    ):
        if child := owned.get(id):
            return places_of(state, child.risk)
    raise NotFound("nobody issued this identifier", where="id", found=repr(id))


def risk_of(state: State, id: str) -> str:
    """The risk a warning, incident or other record belongs to; "" when it has none."""
    for table in (state.warnings, state.incidents, state.deliveries, state.tasks, state.reports):
        if record := table.get(id):
            return record.risk
    return id if id in state.assessments else ""
