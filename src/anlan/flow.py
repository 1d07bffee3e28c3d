"""The whole chain on one page: observations > findings > assessments > warnings > incidents > reviews.

One `Turn` (`anlan.turn`) is what happens at one instant. Everything it decides is journalled in one
transaction, together with the cursor that says how far a replay has come; only then do messages leave, and
what the peers said is journalled after (`anlan.dispatch`). A process killed anywhere goes on from the last
whole turn.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from anlan.assess.calendar import kind_of_day
from anlan.assess.evaluate import evaluate
from anlan.assess.single_events import ends
from anlan.assess.surveys.registry import timed
from anlan.assess.thread import LIVE, gather, places
from anlan.dispatch import deliver, expire_waiting
from anlan.model.assessment import Assessment
from anlan.model.errors import NotAllowed
from anlan.model.finding import Finding
from anlan.model.incident import Incident, Report, Task
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.quarantine import Quarantined
from anlan.model.reason import Reason
from anlan.model.sourcestate import SourceState
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.time import day_after
from anlan.model.user import SYSTEM
from anlan.model.warning import Delivery, Warning
from anlan.monitor.freshness import freshness, next_change
from anlan.monitor.intake import admit
from anlan.monitor.silence import hear, listen, next_silence
from anlan.ports.house import House
from anlan.ports.source import Batch
from anlan.respond import clocks
from anlan.respond.activate import activate, escalate, open_incident, reports_of_warning
from anlan.review.make import make_review
from anlan.turn import Turn
from anlan.warn import digest, hub, ladder, mailing, mute, ordering, roster, silence
from anlan.warn.approve import close, ground_told
from anlan.warn.decide import PENDING, decide, in_force
from anlan.warn.route import route
from anlan.warn.target.recipients import recipients_of

#: states of a source that tells nothing any more
SILENT = ("late", "dead")
#: the smallest step of time: no two turns share an instant
INSTANT = timedelta(microseconds=1)


# ── monitor ──────────────────────────────────────────────────────────────────────────────────────


def observe(turn: Turn, batches: Sequence[Batch]) -> set[str]:
    """Batches into the lake and the quarantine; the indicators that have news."""
    news: set[str] = set()
    brought: dict[str, tuple[int, int]] = {}
    usable: list[Observation] = []
    by_source: dict[str, list[Observation]] = {}
    unusable: list[Quarantined] = []
    for batch in batches:
        accepted, refused = admit(batch, turn.pack)
        usable += accepted
        by_source.setdefault(batch.source, []).extend(accepted)
        unusable += refused
        news |= {observation.indicator for observation in accepted}
        good, bad = brought.get(batch.source, (0, 0))
        brought[batch.source] = (good + len(accepted), bad + len(refused))
    # one commit of the lake, however many batches: years of history come as one turn
    turn.accepted += turn.house.lake.append(usable).new
    turn.house.lake.quarantine(unusable)
    turn.held += [item.id for item in unusable]
    for source, (good, bad) in brought.items():
        if source not in turn.pack.sources:
            continue
        before = turn.state.sources.get(source)
        # a source that brings only what cannot be used has told nothing
        told = good > 0 or bad == 0
        definition = turn.pack.sources[source]
        now = turn.now if told else None
        after = before if before and not told else freshness(definition, before, now, turn.now)
        after = replace(after, accepted=after.accepted + good, quarantined=after.quarantined + bad)
        after = hear(after, by_source[source], turn.now)
        # here an indicator can only speak again; which fall silent is for `watch_sources` to find
        after = listen(definition, after, turn.pack.indicators, turn.now, among=after.silent)
        if told and before is not None and before.status in SILENT:
            # it answers again: what was unknown for want of an answer is looked at again
            news |= set(definition.indicators) - set(after.silent)
        turn.put(f"source.{after.status}", after)
    return news


def relay(turn: Turn, batches: Sequence[Batch]) -> None:
    """Messages of others into the hub, each once, with every way by which it came. Their bytes are durable
    before the rows that name them."""
    raws: dict[str, bytes] = {}
    for batch in batches:
        for received in batch.relayed:
            taken = hub.take(received.message, turn.state.relayed, turn.now)
            if taken is None:
                continue
            verb, message = taken
            raws[received.message.feeds[0].digest] = received.raw
            turn.put(f"relayed.{verb}", message, why=hub.why(turn.state.relayed.get(message.id), message))
    if raws:
        turn.house.messages.keep(raws, turn.now)


def watch_sources(turn: Turn) -> set[str]:
    """Sources that have gone late or dead, and indicators that have fallen silent while their source goes
    on; the indicators that are unknown from now on."""
    unknown: set[str] = set()
    for id in sorted(turn.state.sources):
        definition, before = turn.pack.sources.get(id), turn.state.sources[id]
        if definition is None or not turn.house.watched(id, turn.now):
            continue
        after = freshness(definition, before, before.last, turn.now)
        after = listen(definition, after, turn.pack.indicators, turn.now)
        if after.status != before.status:
            turn.put(f"source.{after.status}", after, why=after.reasons[0] if after.reasons else None)
            unknown |= set(definition.indicators)
        elif not set(after.silent) <= set(before.silent):
            turn.put(f"source.{after.status}", after, why=after.reasons[-1])
            unknown |= set(after.silent) - set(before.silent)
    return unknown


# ── assess ───────────────────────────────────────────────────────────────────────────────────────


def blind(state: State, pack: Pack, indicator: str) -> bool:
    """Every source of the indicator has fallen silent, altogether or about it: what it measures is
    unknown."""
    states = _sources_of(state, pack, indicator)
    return bool(states) and all(s.status in SILENT or indicator in s.silent for s in states)


def _sources_of(state: State, pack: Pack, indicator: str) -> list[SourceState]:
    """What is known of the sources of an indicator."""
    return [
        state.sources[id]
        for id, source in pack.sources.items()
        if indicator in source.indicators and id in state.sources
    ]


def assess(turn: Turn, indicators: set[str], stale: set[str]) -> None:
    """Rules over the indicators with news (or gone stale); findings gathered into threads."""
    for rule in sorted(turn.pack.rules.values(), key=lambda rule: rule.id):
        if rule.indicator not in indicators | stale:
            continue
        old = rule.indicator not in indicators and blind(turn.state, turn.pack, rule.indicator)
        sources = _sources_of(turn.state, turn.pack, rule.indicator)
        silent = old and any(source.status not in SILENT for source in sources)
        for finding in evaluate(
            rule, turn.pack, turn.house.lake, turn.state, turn.now, stale=old, silent=silent
        ):
            take(turn, finding)


def take(turn: Turn, finding: Finding) -> None:
    """One finding into the journal and into its thread."""
    turn.put(f"finding.{finding.change}", finding)
    thread = gather(finding, turn.state, turn.pack, turn.now)
    if thread is None:
        return
    verb = "updated" if thread.id in turn.state.assessments else "opened"
    turn.put(f"assessment.{verb}", thread, thread.id, (finding.id,))
    turn.touched[thread.id] = None


def event_ends(state: State, pack: Pack, now: datetime) -> dict[str, datetime]:
    """Indicator -> when the level of a single event of it next ends by itself. Not while its sources are
    silent: then nobody knows what followed the event."""
    found: dict[str, datetime] = {}
    for id in state.latest.values():
        finding = state.findings[id]
        if finding.event and finding.level is not None and not blind(state, pack, finding.indicator):
            at = ends(finding, pack, now)
            if at is not None:
                found[finding.indicator] = min(at, found.get(finding.indicator, at))
    return found


def passing(pack: Pack) -> set[str]:
    """Indicators of which a rule says something else as time goes by, without news: deadlines, say."""
    return {rule.indicator for rule in pack.rules.values() if timed(rule)}


# ── warn ─────────────────────────────────────────────────────────────────────────────────────────


def warn(turn: Turn) -> None:
    """Messages and drafts that are over are closed; a draft for every touched thread that asks for one."""
    over = Reason("expired", Text("its period is over", "有效期已过"))
    for warning in list(turn.state.warnings.values()):
        if warning.status in ("approved", *PENDING) and warning.expires <= turn.now:
            status = "expired" if warning.status == "approved" else "superseded"
            turn.put(f"warning.{status}", close(warning, status, over), warning.risk, why=over)
            if status == "expired":
                expire_waiting(turn, warning.id)
            # a risk that still has its level needs a new message
            turn.touched[warning.risk] = None
    quieten(turn)
    on = mute.quiet(turn.state)
    for id in turn.touched:
        thread = turn.state.assessments[id]
        area = places(thread, turn.state, turn.pack, turn.now)
        decision = decide(thread, area, turn.state, turn.pack, turn.now, turn.house.status, turn.house.zone)
        for old in decision.replaced:
            turn.put("warning.superseded", close(old, "superseded", decision.reason), id)
        quiet = mute.muted(thread, turn.state, on)
        if quiet and decision.draft is not None and not (decision.draft.references or decision.replaced):
            # a first message waits until the risk is heard again; one that is out is always kept right
            note(turn, thread, quiet[0].reasons[-1])
        elif decision.draft is not None:
            draft = ground_told(decision.draft, turn.pack, turn.now)
            turn.put("warning.drafted", draft, id, thread.findings[-1:] or (id,), why=decision.reason)
        elif decision.reason.code in ("no_power", "no_plan") and thread.verdict in LIVE:
            note(turn, thread, decision.reason)
    turn.touched.clear()


def note(turn: Turn, thread: Assessment, reason: Reason) -> None:
    """Why nothing followed, once."""
    if reason not in thread.reasons:
        noted = replace(thread, reasons=(*thread.reasons, reason))
        turn.put("assessment.noted", noted, thread.id, why=reason)


def publish(turn: Turn, warning: Warning, actor: str) -> None:
    """An approved message: its bytes fixed, the chain moved on, every recipient due, the plan run."""
    head = in_force(warning.risk, turn.state, turn.now)
    warning = turn.house.imprinted(warning)
    cap = turn.house.render(warning)
    sent = replace(warning, digest=turn.house.digest(cap), pack=turn.pack.digest, sender=turn.house.sender)
    unsigned = turn.house.seal(cap, turn.now)
    turn.put("warning.approved", sent, sent.risk, (sent.id,), actor, why=unsigned)
    if head is not None and head.id != sent.id:
        status = "cancelled" if sent.change == "cancel" else "superseded"
        reason = Reason("followed", Text(f"followed by {sent.id}", f"后续消息 {sent.id}"))
        turn.put(f"warning.{status}", close(head, status, reason), head.risk, (sent.id,))
    plan = turn.pack.plans[sent.plan]
    told = tell(turn, sent, head, plan)
    send(turn, sent, ladder.first_calls(sent, plan, turn.pack, turn.now, told))
    if sent.change != "cancel" and sent.level <= plan.opens_at:
        respond(turn, sent, plan)
    thread = turn.state.assessments[sent.risk]
    for report in reports_of_warning(sent, thread, plan, turn.pack, turn.state, turn.now):
        turn.put("report.owed", report, sent.risk, (sent.id,))
    warn(turn)


def tell(turn: Turn, sent: Warning, head: Warning | None, plan: Plan) -> tuple[str, ...]:
    """Who is told of a message at once; why, and why others are not, into the journal."""
    routed = route(
        sent,
        head,
        plan,
        lambda: recipients_of(sent, turn.pack, turn.now),
        turn.state,
        turn.pack,
        turn.now,
        kind_of_day,
    )
    turn.put("notice.decided", routed.notice, sent.risk, (sent.id,))
    for held in routed.digests:
        verb = "extended" if held.id in turn.state.digests else "opened"
        turn.put(f"digest.{verb}", held, sent.risk, (sent.id,), why=held.reasons[-1])
    return routed.told


def tell_later(turn: Turn) -> None:
    """Digests whose time has come: one copy for each, that lists what was held."""
    for held in digest.due(turn.state, turn.now):
        sent, delivery = digest.send(held, turn.state, turn.pack, turn.now)
        turn.put("digest.sent", sent, delivery.risk, sent.warnings)
        turn.put("delivery.due", delivery, delivery.risk, (sent.id,))


def quieten(turn: Turn) -> None:
    """What is muted from now on, and what is heard again: that is decided on anew."""
    for verb, changed in silence.moved(turn.state, turn.now):
        why = changed.reasons[-1] if changed.reasons else None
        turn.put(f"silence.{verb}", changed, why=why)
    for verb, one in mute.changes(turn.state, turn.pack, turn.now, turn.house.status):
        turn.put(f"mute.{verb}", one, one.risk, (one.cause, one.finding), why=one.reasons[-1])
        if verb == "ended":
            turn.touched[one.risk] = None


def send(turn: Turn, sent: Warning, deliveries: Sequence[Delivery]) -> None:
    """Deliveries of a message into the journal: due, or held behind an earlier message of the chain that
    is still on its way to the same recipient."""
    for earlier in sent.references:
        # nobody need wait for what does not leave any more
        expire_waiting(turn, earlier)
    ways = ordering.under_way(sent, turn.state)
    alike, others = mailing.gather(
        [ordering.place(delivery, ways.get(delivery.recipient, ()), turn.now) for delivery in deliveries]
    )
    for many in alike:
        turn.put("mailing.due", many, sent.risk, (sent.id,))
    for placed in others:
        why = placed.reasons[-1] if placed.reasons else None
        turn.put(f"delivery.{placed.status}", placed, sent.risk, (sent.id,), why=why)


def insist(turn: Turn) -> None:
    """The answer-required ladder: calls repeated, overdue answers marked, the next rung told."""
    for verb, delivery in ladder.climb(turn.state, turn.pack, turn.now):
        why = delivery.reasons[-1] if delivery.reasons and verb != "due" else None
        turn.put(f"delivery.{verb}", delivery, delivery.risk, (delivery.warning,), why=why)


def keep_watch(turn: Turn) -> None:
    """Whether somebody with a working contact is on duty: a row wherever that has changed."""
    for stands in roster.changes(turn.state, turn.pack, turn.now):
        why = stands.reasons[0] if stands.reasons else None
        turn.put(f"watch.{stands.status}", stands, why=why)


# ── respond, review ──────────────────────────────────────────────────────────────────────────────


def respond(turn: Turn, sent: Warning, plan: Plan) -> None:
    """The response that a message sets off, or raises; a missing power is noted, never skipped."""
    thread, running = turn.state.assessments[sent.risk], open_incident(sent.risk, turn.state)
    try:
        if running is None:
            opened = activate(thread, plan, sent.level, sent.id, turn.pack, turn.state, turn.now)
            take_response(turn, "incident.opened", opened, (sent.id,))
        else:
            raised = escalate(running, sent.level, sent.id, turn.pack, turn.state, turn.now)
            if raised is not None:
                take_response(turn, "incident.raised", raised, (sent.id,))
    except NotAllowed as refusal:
        note(turn, thread, Reason("no_power", Text(refusal.message, refusal.message), refusal.basis))


def take_response(
    turn: Turn,
    kind: str,
    response: tuple[Incident, list[Task], list[Report]],
    cause: tuple[str, ...],
    actor: str = SYSTEM.name,
) -> None:
    """The incident, its tasks and the reports owed into the journal."""
    incident, tasks, reports = response
    turn.put(kind, incident, incident.risk, cause, actor)
    for task in tasks:
        turn.put("task.opened", task, incident.risk, (incident.id,))
    for report in reports:
        turn.put("report.owed", report, incident.risk, (incident.id,))


def keep_clocks(turn: Turn) -> None:
    """Tasks and reports whose time has run out."""
    for late in clocks.overdue(turn.state, turn.now):
        noun = "task.overdue" if isinstance(late, Task) else "report.late"
        turn.put(noun, late, late.risk, (late.incident or late.risk,))


def review(turn: Turn, thread: Assessment, actor: str) -> None:
    """The review of a thread that has ended, from its journal so far and this turn's drafts."""
    entries = list(turn.house.history(thread, turn.drafts, turn.now))
    made, lessons = make_review(thread, entries, turn.state, turn.pack, turn.house.began(), turn.now)
    for lesson in lessons:
        turn.put("lesson.opened", lesson, thread.id, (made.id,))
    turn.put("review.made", made, thread.id, (thread.id,), actor)


# ── one turn ─────────────────────────────────────────────────────────────────────────────────────


def begin(house: House, now: datetime, batches: Sequence[Batch] = (), also: Collection[str] = ()) -> Turn:
    """Everything that follows by itself at `now`, not yet committed: a caller may add people's acts.
    `also` are indicators whose news an earlier turn took in and could not decide on."""
    turn = Turn(house, now)
    news = observe(turn, batches)
    relay(turn, batches)
    stale = watch_sources(turn) | passing(turn.pack)
    over = {id for id, at in event_ends(turn.state, turn.pack, now).items() if at <= now}
    assess(turn, news | set(also) | over, stale)
    warn(turn)
    insist(turn)
    tell_later(turn)
    keep_clocks(turn)
    keep_watch(turn)
    return turn


def end(turn: Turn, cursor: str | None = None) -> None:
    """Commit the turn, then let its messages leave."""
    turn.commit(cursor)
    deliver(turn)


def recover(house: House, now: datetime) -> None:
    """After a restart: what was committed but not handed over leaves now, marked as a repeat where it
    may have left before."""
    house.outbox.settle_known(now)
    deliver(Turn(house, now), {attempt.delivery for attempt in house.outbox.unfinished()})


def next_due(house: House, after: datetime | None = None) -> datetime | None:
    """The next instant at which something happens by itself; what changes with time alone is looked at
    each midnight (UTC) after `after`."""
    state, pack = house.state, house.pack
    times = [ladder.next_due(state), clocks.next_due(state)]
    times += [digest.next_due(state), silence.next_due(state), hub.next_due(state, after)]
    times += [w.expires for w in state.warnings.values() if w.status in ("approved", *PENDING)]
    for id, source in state.sources.items():
        changes = next_change(pack.sources[id], source) if id in pack.sources else None
        hush = next_silence(pack.sources[id], source, pack.indicators) if id in pack.sources else None
        times += [t for t in (changes, hush) if t is not None and house.watched(id, t)]
    times += event_ends(state, pack, house.began()).values()
    if after is not None:
        times.append(roster.next_due(state, pack, after))
    if after is not None and passing(pack):
        times.append(day_after(after))
    return min((t for t in times if t is not None), default=None)
