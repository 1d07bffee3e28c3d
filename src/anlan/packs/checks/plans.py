"""Plans: who is named exists, every level leads somewhere, tasks and ladder in order."""

from __future__ import annotations

from collections.abc import Iterator

from anlan.model.errors import Fault
from anlan.model.time import format_duration
from anlan.packs.checks.references import named, one
from anlan.packs.citations import check_basis
from anlan.packs.definitions import Resolved


def plan_references(resolved: Resolved) -> Iterator[Fault]:
    """Hazards, places, issuer, lead, recipients and the basis of every plan."""
    for item in resolved.items.plans:
        plan, origin = item.value, item.origin
        yield from named(resolved, "hazards", plan.hazards, origin, "hazards")
        yield from named(resolved, "places", plan.places, origin, "places")
        yield from one(resolved, "organs", plan.issuer, origin, "issuer")
        yield from one(resolved, "organs", plan.lead, origin, "lead")
        yield from named(resolved, "recipients", plan.recipients, origin, "recipients")
        yield from check_basis(resolved, origin, ("basis",), plan.basis)
        for rung, step in enumerate(plan.ladder):
            yield from named(resolved, "recipients", step.recipients, origin, "rung", rung, "recipients")
        yield from named(resolved, "recipients", plan.escalate_to, origin, "escalate_to")
        for key, names in (("hazards", plan.hazards), ("places", plan.places)):
            if not names:
                yield origin.fault("names none, so the plan never applies", key)


def plan_tasks(resolved: Resolved) -> Iterator[Fault]:
    """Owners exist, tasks follow tasks of the same plan without circles, bases hold."""
    for item in resolved.items.plans:
        plan, origin = item.value, item.origin
        ids = [task.id for task in plan.tasks]
        follows = {task.id: task.after for task in plan.tasks}
        for place, task in enumerate(plan.tasks):
            yield from one(resolved, "organs", task.owner, origin, "task", place, "owner")
            if task.basis:
                yield from check_basis(resolved, origin, ("task", place, "basis"), task.basis)
            if task.id in ids[:place]:
                yield origin.fault("the task stands twice", "task", place, "id", found=repr(task.id))
            for step, before in enumerate(task.after):
                if before not in follows:
                    yield origin.fault(
                        "no such task in this plan",
                        "task",
                        place,
                        "after",
                        step,
                        found=repr(before),
                        expected=", ".join(ids),
                    )
            if _leads_back(task.id, follows):
                yield origin.fault("the task waits for itself", "task", place, "after", found=repr(task.id))


def _leads_back(start: str, follows: dict[str, tuple[str, ...]]) -> bool:
    seen: set[str] = set()
    todo = list(follows[start])
    while todo:
        id = todo.pop()
        if id == start:
            return True
        if id not in seen:
            seen.add(id)
            todo.extend(follows.get(id, ()))
    return False


def plan_levels(resolved: Resolved) -> Iterator[Fault]:
    """`response` maps warning levels 1-4 to response levels 1-4, all that open an incident."""
    for item in resolved.items.plans:
        plan, origin = item.value, item.origin
        for key, level in plan.response.items():
            if key not in ("1", "2", "3", "4"):
                yield origin.fault(
                    "no such warning level", "response", key, found=repr(key), expected='"1" to "4"'
                )
            if level not in (1, 2, 3, 4):
                yield origin.fault(
                    "no such response level", "response", key, found=str(level), expected="1, 2, 3 or 4"
                )
        for number in range(1, plan.opens_at + 1):
            if str(number) not in plan.response:
                yield origin.fault(
                    "a level that opens an incident has no response level",
                    "response",
                    found=", ".join(plan.response) or "none",
                    expected=f'"{number}" = 1, 2, 3 or 4',
                )


def ladders(resolved: Resolved) -> Iterator[Fault]:
    """Every rung waits a while for its answer and, but for the last, tells somebody (a last rung
    without recipients ends the ladder); warnings are valid for a while."""
    for item in resolved.items.plans:
        plan, origin = item.value, item.origin
        if not plan.valid:
            yield origin.fault("a warning valid for no time", "valid", expected="a duration above zero")
        for place, rung in enumerate(plan.ladder):
            if not rung.recipients and place < len(plan.ladder) - 1:
                yield origin.fault("a rung that tells nobody", "rung", place, "recipients")
            if not rung.after:
                yield origin.fault(
                    "a rung that waits for no answer",
                    "rung",
                    place,
                    "after",
                    expected="a duration above zero",
                )


def calls(resolved: Resolved) -> Iterator[Fault]:
    """Calls that are repeated have a time for it, which the wait of every rung holds; whom to call next is
    said once; a call is to be made before its answer is due."""
    for item in resolved.items.plans:
        plan, origin = item.value, item.origin
        if plan.tries < 1:
            yield origin.fault("nobody is called", "tries", found=str(plan.tries), expected="1 or more")
        if plan.tries > 1 and plan.try_span is None and not plan.ladder:
            yield origin.fault(
                "calls are repeated in no time", "tries", expected="try_span, such as PT5M, or a rung"
            )
        for key in ("call_within", "try_span", "answer_holds"):
            span = getattr(plan, key)
            if span is not None and not span:
                yield origin.fault("no time at all", key, expected="a duration above zero")
        if plan.escalate_to and plan.ladder:
            yield origin.fault(
                "whom to call next is said twice",
                "escalate_to",
                found="escalate_to and rung",
                expected="one of the two",
            )
        if plan.escalate_to and plan.try_span is None:
            yield origin.fault(
                "no time after which they are called", "escalate_to", expected="try_span, such as PT5M"
            )
        first = plan.steps[0].after if plan.steps else None
        for place, rung in enumerate(plan.ladder):
            if plan.try_span is not None and plan.try_span > rung.after:
                yield origin.fault(
                    "the tries last longer than the rung waits",
                    "try_span",
                    found=format_duration(plan.try_span),
                    expected=f"at most {format_duration(rung.after)}, the wait of rung {place}",
                )
        if plan.call_within is not None and first is not None and plan.call_within > first:
            yield origin.fault(
                "the call may come after its answer is due",
                "call_within",
                found=format_duration(plan.call_within),
                expected=f"at most {format_duration(first)}",
            )


def public_words(resolved: Resolved) -> Iterator[Fault]:
    """Every template comes with its correction and its cancellation; words for a level or a hazard say
    something, of a hazard of the plan; no warning is valid for longer than its hazard plausibly lasts."""
    for item in resolved.items.plans:
        plan, origin = item.value, item.origin
        if plan.template.correct is None:
            yield origin.fault(
                "a template without its correction",
                "template",
                expected="correct = { en, zh }, the headline of a message that corrects an earlier one",
            )
        for place, words in enumerate(plan.words):
            texts = (words.headline, words.matters, words.measures, words.cancel, words.correct)
            if not any(texts):
                yield origin.fault("words that say nothing", "words", place)
            for number, hazard in enumerate(words.hazards):
                if hazard not in plan.hazards:
                    yield origin.fault(
                        "no hazard of this plan",
                        "words",
                        place,
                        "hazards",
                        number,
                        found=repr(hazard),
                        expected=", ".join(plan.hazards),
                    )
        for hazard in plan.hazards:
            known = resolved.pack.hazards.get(hazard)
            if known is not None and known.longest is not None and plan.valid > known.longest:
                yield origin.fault(
                    "valid for longer than the hazard plausibly lasts",
                    "valid",
                    found=f"{format_duration(plan.valid)} for {hazard}",
                    expected=f"at most {format_duration(known.longest)}",
                )
