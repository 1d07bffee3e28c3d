"""Records on history belong to rules, and a rule in service should have one."""

from __future__ import annotations

from collections.abc import Iterator

from anlan.model.errors import Fault
from anlan.packs.checks.references import named
from anlan.packs.definitions import Resolved


def record_references(resolved: Resolved) -> Iterator[Fault]:
    """A record names a rule of the pack, and there is one a rule."""
    seen: set[str] = set()
    for item in resolved.items.records:
        yield from named(resolved, "rules", (item.value.rule,), item.origin, "rule", many=False)
        if item.value.rule in seen:
            yield item.origin.fault("two records of one rule", "rule", found=repr(item.value.rule))
        seen.add(item.value.rule)


def unverified(resolved: Resolved) -> Iterator[Fault]:
    """A rule that nobody has run on history as it is now: its findings say so."""
    for item in resolved.items.rules:
        rule = item.value
        record, version = resolved.pack.records.get(rule.id), resolved.pack.fingerprint(rule)
        if record is None:
            yield item.origin.fault(
                "not verified on history", expected=f"anlan backtest {resolved.pack.id} {rule.id} --record"
            )
        elif record.fingerprint != version:
            yield item.origin.fault(
                "its record on history is of another version of the rule",
                found=f"{record.fingerprint}, made {record.made}",
                expected=f"{version}: anlan backtest {resolved.pack.id} {rule.id} --record",
            )
