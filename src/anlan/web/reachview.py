"""Where a message goes, before it is approved: the same answer that the sending will give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from anlan.assess.calendar import kind_of_day
from anlan.model.errors import AnlanError
from anlan.model.warning import Warning
from anlan.ports.desk import Desk
from anlan.warn.approve import area_unresolved
from anlan.warn.decide import in_force
from anlan.warn.drawn import elsewhere, outside
from anlan.warn.plain import Remark
from anlan.warn.route import notice_id, route
from anlan.warn.target.recipients import recipients_of, warned_ground


def sent_to(warning: Warning, desk: Desk, now: datetime) -> tuple[str, ...]:
    """Ids of the recipients to whom the message goes, at once or in a digest: as it was decided when it was
    sent, else as it would be decided if it were sent now."""
    state, pack = desk.state(), desk.pack
    notice = state.notices.get(notice_id(warning.id))
    plan = pack.plans.get(warning.plan)
    if notice is None and plan is None:
        return recipients_of(warning, pack, now)
    if notice is None and plan is not None:
        head = in_force(warning.risk, state, now)
        notice = route(
            warning,
            head,
            plan,
            lambda: recipients_of(warning, pack, now),
            state,
            pack,
            now,
            kind_of_day,
        ).notice
    groups = notice.groups if notice is not None else ()
    named = {id for group in groups if group.outcome != "not_told" for id in group.recipients}
    return tuple(id for id in pack.recipients if id in named)


def ground_remarks(warning: Warning, desk: Desk, place: str, now: datetime) -> Iterator[Remark]:
    """That the area comes to no ground, which stops the message; which places, or what of a drawing, lie
    outside of the place of its risk (`place` where the risk is not open yet)."""
    reason = None if warning.sent else area_unresolved(warning, desk.pack, now)
    if reason is not None:
        yield Remark(reason.code, "places", "", reason.text, stops=True)
    thread = desk.state().assessments.get(warning.risk)
    named = thread.place if thread is not None else place
    if not named:
        return
    if not warning.rings:
        far = elsewhere(warning.places, named, desk.pack, now)
        if far is not None:
            yield Remark("places_elsewhere", "places", "", far)
        return
    try:
        beyond = outside(warned_ground(warning, desk.pack, now), (named,), desk.pack, now)
    except AnlanError:
        return
    if beyond is not None:
        yield Remark("drawing_outside", "drawing", "", beyond.text)
