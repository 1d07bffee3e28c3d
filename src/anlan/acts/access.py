"""Who may do what, where: one function, with the reason beside each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from anlan.model.contact import ContactTest
from anlan.model.entry import Entry, Handover, Marker
from anlan.model.errors import NotAllowed, UnknownPlace
from anlan.model.pack import Pack
from anlan.model.relayed import Relayed
from anlan.model.roster import Shift, WatchState
from anlan.model.sourcestate import SourceState
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.user import ROLES, User

PUBLIC = "public"
READ = "read"
PUSH = "observation.push"
QUARANTINE = "quarantine.read"

# Which roles may do an act at the places of their grants. The law's powers come on top: the desk
# checks them, with their articles, when the act is done.
ROLES_OF: dict[str, tuple[str, ...]] = {
    READ: ROLES,
    PUSH: ("duty", "field", "admin"),
    QUARANTINE: ("duty", "analyst", "planner", "supervisor", "admin"),
    "assessment.confirm": ("duty", "analyst"),
    "assessment.watch": ("duty", "analyst"),
    "assessment.dismiss": ("duty", "analyst"),
    "assessment.merge": ("analyst",),
    "assessment.split": ("analyst",),
    "assessment.finalise": ("analyst",),
    "assessment.open": ("duty", "analyst"),
    "assessment.judge": ("duty", "analyst"),
    "warning.compose": ("duty", "analyst"),
    "warning.edit": ("duty", "analyst", "approver"),
    "warning.submit": ("duty", "analyst"),
    "warning.approve": ("approver",),
    "warning.return": ("approver",),
    "warning.reject": ("approver",),
    "warning.update": ("duty", "analyst"),
    "warning.raise": ("duty", "analyst"),
    "warning.lower": ("duty", "analyst"),
    "warning.extend": ("duty", "analyst"),
    "warning.correct": ("duty", "analyst"),
    "warning.cancel": ("duty", "analyst"),
    "warning.all_clear": ("duty", "analyst"),
    "delivery.answer": ("duty", "field"),
    "delivery.send_again": ("duty", "approver"),
    "shift.add": ("duty", "supervisor", "planner"),
    "shift.remove": ("duty", "supervisor", "planner"),
    "shift.test": ("duty", "supervisor", "planner"),
    "task.done": ("duty", "field"),
    "report.file": ("duty",),
    "incident.open": ("approver",),
    "incident.stand_down": ("approver",),
    "lesson.done": ("planner", "supervisor"),
    "handover": ("duty",),
    "silence.set": ("approver", "supervisor"),
    "silence.lift": ("duty", "approver", "supervisor"),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer and why."""

    allowed: bool
    reason: Text


def may(
    user: User | None,
    act: str,
    places: Iterable[str] = (),
    *,
    pack: Pack,
    at: datetime,
    key: bool = False,
) -> Decision:
    """Whether `user` may do `act` to a record that lies at `places`, at the instant `at`.

    Acting needs a fitting role whose grant covers every one of the places. Reading needs a grant at,
    above or below any of them: what concerns the whole concerns its parts. No places means a record
    of the system itself: any fitting role will do. `key` marks a machine's key, which may only push.
    An act that is not listed is refused to everybody."""
    if act == PUBLIC:
        return Decision(True, Text("open to everybody", "对所有人公开"))
    if user is None:
        return Decision(False, Text("nobody is signed in", "尚未登录"))
    if key:
        return Decision(act == PUSH, Text("a key may only push observations", "密钥只能推送观测数据"))
    roles = ROLES_OF.get(act)
    if roles is None:
        return Decision(False, Text(f"no role may do {act}", f"任何角色都无权执行 {act}"))
    areas = [grant for grant in user.grants if grant.role in roles]
    if not areas:
        en, zh = ", ".join(roles), "、".join(roles)
        return Decision(False, Text(f"needs one of the roles: {en}", f"需要以下角色之一：{zh}"))
    wanted = tuple(places)
    if not wanted:
        return Decision(True, Text(f"{areas[0].role}", f"{areas[0].role}"))
    reach = _reads if act == READ else _covers
    outside = [place for place in wanted if not any(reach(pack, grant.place, place, at) for grant in areas)]
    allowed = len(outside) < len(wanted) if act == READ else not outside
    if allowed:
        grant = next(g for g in areas if any(reach(pack, g.place, place, at) for place in wanted))
        return Decision(True, Text(f"{grant.role} at {grant.place}", f"{grant.place} 的 {grant.role}"))
    names = ", ".join(outside[:3])
    return Decision(
        False,
        Text(f"none of your grants for this covers {names}", f"您的授权范围不包括 {names}"),
    )


def _covers(pack: Pack, area: str, place: str, at: datetime) -> bool:
    if area == place:
        return True
    try:
        return pack.within(place, area, at)
    except UnknownPlace:
        return False


def _reads(pack: Pack, area: str, place: str, at: datetime) -> bool:
    return _covers(pack, area, place, at) or _covers(pack, place, area, at)


def require(user: User, act: str, places: Iterable[str], pack: Pack, at: datetime) -> None:
    """NotAllowed, with the reason, where `may` says no."""
    decision = may(user, act, places, pack=pack, at=at)
    if not decision.allowed:
        raise NotAllowed(decision.reason.en, where=act, mend="ask somebody whose role reaches it")


def shown(entry: Entry, state: State, sees: Callable[[str], bool]) -> bool:
    """Whether a row of the journal is for somebody who may read the places that `sees` says: what lies at
    a place, or belongs to a risk there, is for those; what is about the system itself is for everybody
    signed in; what lies nowhere known is for nobody."""
    value = entry.value
    if isinstance(value, SourceState | Handover | Marker | Shift | WatchState | ContactTest):
        return True
    if isinstance(value, Relayed) and value.unresolved:
        # it may be about any place
        return True
    places = getattr(value, "places", None) or (getattr(value, "place", ""),)
    if not any(places):
        risk = state.assessments.get(entry.risk or getattr(value, "risk", ""))
        places = (risk.place,) if risk else ()
    return any(sees(place) for place in places)
