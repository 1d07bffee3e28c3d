"""Who is told of a published message, who is not, and why: one answer for everybody who comes into question.

Those who come into question: the recipients of the plan; of the others whom the message reaches, those
that a route is for or that asked for ground of their own. Whoever was told of an earlier message of the
chain is told of what follows it, whatever their routes say by now: nobody is left with a level that no
longer holds. What is held comes later as one message that lists it; nothing is lost, and what is red, or
changes what is red, is never held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from anlan.formats.values import short_id
from anlan.model.errors import UnknownPlace
from anlan.model.notice import Digest, Group, Notice
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.route import Route
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Recipient, Warning
from anlan.warn import roster, silence
from anlan.warn.opening import DayKind, opening, plain_days

RED = 1

# told
FIRST = Reason("first", Text("first message of this risk to them", "首次向其发送本风险消息"))
RAISED = Reason("raised", Text("the level has risen", "级别提高"))
LOWERED = Reason("lowered", Text("the level has fallen", "级别降低"))
AREA_GREW = Reason("area_grew", Text("the area has grown", "影响范围扩大"))
AREA_SHRANK = Reason("area_shrank", Text("the area has become smaller", "影响范围缩小"))
EXTENDED = Reason("extended", Text("it lasts longer", "有效期延长"))
SHORTENED = Reason("shortened", Text("it ends sooner", "有效期缩短"))
REWORDED = Reason("reworded", Text("the words have changed", "内容有更新"))
CORRECTED = Reason("corrected", Text("it corrects the message before", "更正前一消息"))
REPEAT = Reason(
    "repeat", Text("the message before has run out, the level stands", "前一消息已到期，级别仍在")
)
CANCELLED = Reason("cancelled", Text("the warning is lifted", "预警解除"))
WITHDRAWN = Reason("cancelled", Text("the warning is withdrawn", "预警撤回"))
# not told
NOTHING_NEW = Reason("nothing_new", Text("nothing in it is new to them", "对其无新内容"))
NEVER_TOLD = Reason("never_told", Text("they were never told of what it lifts", "其从未收到所解除的预警"))
OTHER_PLACE = Reason("other_place", Text("their routes are for other places", "其订阅范围为其他地区"))
OTHER_HAZARD = Reason("other_hazard", Text("their routes are for other hazards", "其订阅范围为其他灾种"))
BELOW_LEVEL = Reason("below_level", Text("below the level they asked for", "低于其订阅的级别"))
OTHER_LANGUAGE = Reason(
    "other_language", Text("they read none of the languages of the route", "其阅读语言不在该路由之内")
)
NOT_SUBSCRIBED = Reason(
    "not_subscribed",
    Text("reached, but neither plan nor route names them", "在影响范围内，但预案和路由均未列入"),
)
ON_LADDER = Reason(
    "on_ladder", Text("called only where an answer is missing below", "仅在下一级未应答时叫应")
)
OFF_DUTY = Reason("off_duty", Text("somebody else has the duty", "当前由他人值班"))
# held
OUT_OF_HOURS = Reason("out_of_hours", Text("outside their hours", "不在其接收时段"))
THROTTLED = Reason("throttled", Text("more than they take in that time", "超过其限定的接收频次"))
DIGESTED = Reason("digested", Text("gathered into a digest", "汇入摘要"))

#: the nearest miss is told: how far a message came through a route
_MISSES = (OFF_DUTY, OTHER_PLACE, OTHER_HAZARD, OTHER_LANGUAGE, BELOW_LEVEL)


def notice_id(warning: str) -> str:
    """The id of the notice of a message."""
    return short_id("N", warning)


@dataclass(frozen=True, slots=True)
class Routed:
    """The notice; `told`, in the order in which they came into question; the digests that it opened or
    added to."""

    notice: Notice
    told: tuple[str, ...]
    digests: tuple[Digest, ...]


def route(
    sent: Warning,
    before: Warning | None,
    plan: Plan,
    reached: Callable[[], Sequence[str]],
    state: State,
    pack: Pack,
    now: datetime,
    kind_of: DayKind = plain_days,
) -> Routed:
    """The answer for every recipient. `before` is the message in force until now, `reached` the ids of the
    recipients whom the message reaches by place and hazard; it is asked only where somebody beyond the
    plan may be told."""
    routes = [one for one in pack.routes.values() if one.validity.covers(now.date())]
    past = _Past(sent, routes, state, now)
    posts = _Posts(routes, state, now)
    news = _news(sent, before, state)
    red = sent.level == RED or (before is not None and before.level == RED)
    groups: dict[tuple[str, str, str, datetime | None], tuple[Reason, list[str]]] = {}
    digests = {one.recipient: one for one in state.digests.values() if one.status == "open"}
    touched: dict[str, Digest] = {}
    told: list[str] = []

    def put(outcome: str, reason: Reason, recipient: str, due: datetime | None = None) -> None:
        key = (outcome, reason.code, reason.text.en, due)
        groups.setdefault(key, (reason, []))[1].append(recipient)

    for id, reason in _others(plan, pack, routes, posts, reached).items():
        recipient = pack.recipients[id]
        if reason is not None:
            put("not_told", reason, id)
            continue
        mine = [one for one in routes if posts.is_for(one, recipient)]
        earlier = past.told(id)
        misses = [posts.miss(one, recipient) or _miss(one, recipient, sent, pack, now) for one in mine]
        fitting = [one for one, miss in zip(mine, misses, strict=True) if miss is None]
        if sent.change == "cancel" and earlier is False:
            put("not_told", NEVER_TOLD, id)
            continue
        if mine and not fitting and not earlier:
            put("not_told", max((m for m in misses if m is not None), key=_MISSES.index), id)
            continue
        if news is NOTHING_NEW and earlier:
            put("not_told", NOTHING_NEW, id)
            continue
        due, held = _silenced(id, sent, red, state, pack, now)
        if held is None and not red and not recipient.answers and fitting:
            due, held = _waits(id, fitting, past, digests.get(id), now, kind_of)
        if held is None or due is None:
            put("told", (news if earlier or sent.change == "cancel" else FIRST), id)
            told.append(id)
            continue
        put("held", held, id, due)
        touched[id] = digests[id] = _gather(digests.get(id), id, sent, held, due)
    notice = Notice(
        id=notice_id(sent.id),
        warning=sent.id,
        risk=sent.risk,
        decided=now,
        groups=tuple(
            Group(outcome, reason, tuple(names), due)
            for (outcome, _, _, due), (reason, names) in groups.items()
        ),
    )
    return Routed(notice, tuple(told), tuple(touched.values()))


class _Past:
    """What recipients were told before, gathered once for all of them."""

    def __init__(self, sent: Warning, routes: Sequence[Route], state: State, now: datetime) -> None:
        self._chain: set[str] = set()
        self._unsaid = False
        for id in sent.references:
            notice = state.notices.get(notice_id(id))
            self._unsaid = self._unsaid or notice is None
            for group in notice.groups if notice else ():
                if group.outcome != "not_told":
                    self._chain.update(group.recipients)
        self._times: dict[str, list[datetime]] = {}
        limited = [route.per for route in routes if route.most]
        if limited:
            self._gather(state, now - max(limited))

    def _gather(self, state: State, since: datetime) -> None:
        for notice in reversed(state.notices.values()):
            if notice.decided <= since:
                break
            for group in notice.groups:
                for recipient in group.recipients if group.outcome == "told" else ():
                    self._times.setdefault(recipient, []).append(notice.decided)
        for digest in state.digests.values():
            if digest.status == "sent" and digest.due > since:
                self._times.setdefault(digest.recipient, []).append(digest.due)

    def told(self, recipient: str) -> bool | None:
        """Whether the recipient was told, or is to be told by a digest, of an earlier message of the
        chain; None where the journal does not say (it was written by an earlier version)."""
        return True if recipient in self._chain else (None if self._unsaid else False)

    def times(self, recipient: str, since: datetime) -> list[datetime]:
        """When messages went to a recipient after `since`, oldest first."""
        return sorted(at for at in self._times.get(recipient, ()) if at > since)


def _others(
    plan: Plan, pack: Pack, routes: Sequence[Route], posts: _Posts, reached: Callable[[], Sequence[str]]
) -> dict[str, Reason | None]:
    """Everybody who comes into question, each once, those of the plan first; with the reason where that is
    the whole answer."""
    asked: dict[str, Reason | None] = dict.fromkeys(plan.recipients)
    ladder = {name for rung in plan.ladder for name in rung.recipients}
    wanted = {
        id
        for id, one in pack.recipients.items()
        if id not in asked
        and (one.point is not None or one.area or any(posts.is_for(way, one) for way in routes))
    }
    if not wanted:
        for id in ladder:
            if id in pack.recipients:
                asked.setdefault(id, ON_LADDER)
        return asked
    for id in reached():
        if id not in asked:
            rest = ON_LADDER if id in ladder else NOT_SUBSCRIBED
            asked[id] = None if id in wanted else rest
    return asked


class _Posts:
    """Who is on duty at the posts that routes name, and who else has shifts there."""

    def __init__(self, routes: Sequence[Route], state: State, now: datetime) -> None:
        named = {watch for route in routes for watch in route.watches}
        self._now = {watch: {shift.contact for shift in roster.on_duty(watch, state, now)} for watch in named}
        self._ever: dict[str, set[str]] = {watch: set() for watch in named}
        for shift in state.shifts.values() if named else ():
            if shift.watch in named and shift.status == "planned":
                self._ever[shift.watch].add(shift.contact)

    def is_for(self, route: Route, recipient: Recipient) -> bool:
        """Whether a route is for a recipient, on duty or not."""
        return _named(route, recipient) or any(recipient.id in self._ever[one] for one in route.watches)

    def miss(self, route: Route, recipient: Recipient) -> Reason | None:
        """OFF_DUTY for somebody whom only a post names, while somebody else has it."""
        if _named(route, recipient) or any(recipient.id in self._now[one] for one in route.watches):
            return None
        return OFF_DUTY


def _named(route: Route, recipient: Recipient) -> bool:
    return recipient.id in route.recipients or (bool(recipient.role) and recipient.role in route.roles)


def _miss(route: Route, recipient: Recipient, sent: Warning, pack: Pack, now: datetime) -> Reason | None:
    """Why a message does not fit a route; None where it does."""
    if route.places and not any(_meets(place, sent.places, pack, now) for place in route.places):
        return OTHER_PLACE
    if route.hazards and sent.hazard not in route.hazards:
        return OTHER_HAZARD
    if route.languages and not set(route.languages) & set(recipient.languages):
        return OTHER_LANGUAGE
    return BELOW_LEVEL if sent.level > route.least else None


def _meets(area: str, places: Sequence[str], pack: Pack, now: datetime) -> bool:
    """One lies in the other."""
    up = _line(area, pack, now)
    return any(place in up or area in _line(place, pack, now) for place in places)


def _line(place: str, pack: Pack, now: datetime) -> tuple[str, ...]:
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return (place,)


def _news(sent: Warning, before: Warning | None, state: State) -> Reason:
    """What is new against the message in force; where none is, against the one that ran out."""
    if sent.change == "cancel":
        return WITHDRAWN if sent.purpose == "cancel" else CANCELLED
    if before is None:
        return REPEAT if any(id in state.warnings for id in sent.references) else FIRST
    if sent.level != before.level:
        return RAISED if sent.level < before.level else LOWERED
    if sent.purpose == "correct":
        return CORRECTED
    if set(sent.places) != set(before.places):
        return AREA_GREW if set(sent.places) - set(before.places) else AREA_SHRANK
    if sent.expires != before.expires:
        return EXTENDED if sent.expires > before.expires else SHORTENED
    same = (sent.contents, sent.headline, sent.rings) == (before.contents, before.headline, before.rings)
    return NOTHING_NEW if same else REWORDED


def _silenced(
    recipient: str, sent: Warning, red: bool, state: State, pack: Pack, now: datetime
) -> tuple[datetime | None, Reason | None]:
    """Until when a silence holds the message back from a recipient: it is told when the silence ends."""
    found = [
        one for one in state.silences.values() if silence.holds_back(one, recipient, sent, red, pack, now)
    ]
    if not found:
        return None, None
    last = max(found, key=lambda one: one.ends)
    return last.ends, silence.reason(last)


def _waits(
    recipient: str,
    routes: Sequence[Route],
    past: _Past,
    digest: Digest | None,
    now: datetime,
    kind_of: DayKind,
) -> tuple[datetime | None, Reason | None]:
    """When the soonest route tells it, and why not now; (None, None) for now."""
    best: tuple[datetime, Reason] | None = None
    for route in routes:
        due, why = now, None
        if route.most:
            times = past.times(recipient, now - route.per)
            if len(times) >= route.most:
                due, why = times[-route.most] + route.per, THROTTLED
        if route.digest is not None and why is None:
            due, why = (digest.due if digest is not None else now + route.digest), DIGESTED
        open_at = opening(route, due, kind_of)
        if open_at > due:
            due, why = open_at, why or OUT_OF_HOURS
        if why is None or due <= now:
            return None, None
        if best is None or due < best[0]:
            best = due, why
    return best if best is not None else (None, None)


def _gather(digest: Digest | None, recipient: str, sent: Warning, why: Reason, due: datetime) -> Digest:
    """The recipient's open digest with one message more; the soonest time holds for all of it."""
    if digest is None:
        id = short_id("DG", recipient, sent.id)
        return Digest(id, recipient, due, (sent.id,), (why,), sent.places)
    return replace(
        digest,
        due=min(due, digest.due),
        warnings=(*digest.warnings, sent.id),
        reasons=(*digest.reasons, why),
        places=tuple(dict.fromkeys((*digest.places, *sent.places))),
    )
