"""What mutes what, and who is told what when: everything named exists, nothing mutes itself."""

from __future__ import annotations

from collections.abc import Iterator

from anlan.model.errors import Fault
from anlan.model.route import Inhibit
from anlan.packs.checks.references import named, one
from anlan.packs.citations import check_basis
from anlan.packs.definitions import Resolved


def inhibits(resolved: Resolved) -> Iterator[Fault]:
    """One cause, something muted by it, both known to the pack; the basis holds."""
    for item in resolved.items.inhibits:
        rule, origin = item.value, item.origin
        if bool(rule.by_hazard) is bool(rule.by_rule):
            yield origin.fault(
                "one cause is needed",
                "by_hazard",
                found="both" if rule.by_hazard else "neither",
                expected="by_hazard or by_rule",
            )
        if rule.by_hazard:
            yield from one(resolved, "hazards", rule.by_hazard, origin, "by_hazard")
        if rule.by_rule:
            yield from one(resolved, "rules", rule.by_rule, origin, "by_rule")
        yield from named(resolved, "hazards", rule.hazards, origin, "hazards")
        yield from named(resolved, "rules", rule.rules, origin, "rules")
        if not rule.hazards and not rule.rules:
            yield origin.fault("names nothing that it mutes", "hazards", expected="hazards or rules")
        if rule.basis:
            yield from check_basis(resolved, origin, ("basis",), rule.basis)


def inhibit_loops(resolved: Resolved) -> Iterator[Fault]:
    """What mutes is not muted by what it mutes, by itself or by way of others: else two findings could
    keep each other quiet."""
    items = resolved.items.inhibits
    follows = [
        [place for place, other in enumerate(items) if _touches(resolved, one_.value, other.value)]
        for one_ in items
    ]
    for place, item in enumerate(items):
        if (circle := _back_to(place, follows)) is not None:
            yield item.origin.fault(
                "mutes its own cause",
                "by_hazard" if item.value.by_hazard else "by_rule",
                found=" -> ".join(items[step].value.id for step in circle),
                expected="no way back",
            )


def _touches(resolved: Resolved, one_: Inhibit, other: Inhibit) -> bool:
    """What `one_` mutes may be what `other` rests on. A message about a hazard rests on findings of it."""
    hazard_of = {id: rule.hazard for id, rule in resolved.pack.rules.items()}
    muted = {*one_.hazards, *(hazard_of.get(rule, "") for rule in one_.rules)} - {""}
    if other.by_hazard:
        return other.by_hazard in muted
    return other.by_rule in one_.rules or hazard_of.get(other.by_rule, "?") in one_.hazards


def _back_to(start: int, follows: list[list[int]]) -> list[int] | None:
    """A shortest way from a step back to itself, both ends in it."""
    ways = [[start]]
    seen: set[int] = set()
    while ways:
        way = ways.pop(0)
        for step in follows[way[-1]]:
            if step == start:
                return [*way, start]
            if step not in seen:
                seen.add(step)
                ways.append([*way, step])
    return None


def routes(resolved: Resolved) -> Iterator[Fault]:
    """Recipients, hazards and places exist; a route is for somebody."""
    roles = {recipient.role for recipient in resolved.pack.recipients.values()} - {""}
    for item in resolved.items.routes:
        route, origin = item.value, item.origin
        yield from named(resolved, "recipients", route.recipients, origin, "recipients")
        yield from named(resolved, "hazards", route.hazards, origin, "hazards")
        yield from named(resolved, "places", route.places, origin, "places")
        for place, role in enumerate(route.roles):
            if role not in roles and not resolved.items.broken.get("recipients"):
                yield origin.fault(
                    "no recipient has this role",
                    "roles",
                    place,
                    found=repr(role),
                    expected=", ".join(sorted(roles)) or "a role of recipients.toml",
                )
        for place, watch in enumerate(route.watches):
            if watch not in resolved.pack.watches and resolved.certain("watches", watch):
                known = ", ".join(sorted(resolved.pack.watches)) or "a watch of the pack"
                yield origin.fault("no such watch", "watches", place, found=repr(watch), expected=known)
        if not route.recipients and not route.roles and not route.watches:
            yield origin.fault("a route for nobody", "recipients", expected="recipients, roles or watches")
        for place, hours in enumerate(route.hours):
            if not hours.days:
                yield origin.fault("hours on no day", "hours", place, "days", expected="a kind of day")


def idle_routes(resolved: Resolved) -> Iterator[Fault]:
    """Who must answer is always told at once: hours and limits of a route say nothing to them."""
    for item in resolved.items.routes:
        route, origin = item.value, item.origin
        if not (route.hours or route.most or route.digest):
            continue
        for place, id in enumerate(route.recipients):
            recipient = resolved.pack.recipients.get(id)
            if recipient is not None and recipient.answers:
                yield origin.fault(
                    "must answer, so is told at once whatever the route says", "recipients", place, found=id
                )
