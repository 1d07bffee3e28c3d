"""`anlan explain ID`: how a value came about, as known then, and the same computed again.

A finding is recomputed from the lake as of its `known` with the rules of its pack; a warning's message
is rendered again, with the pack and the sender of its sending, and must have the digest that was
journalled then. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from anlan.app.house import RunningHouse
from anlan.assess.evaluate import evaluate
from anlan.formats.values import to_json, to_plain
from anlan.model.assessment import Assessment
from anlan.model.entry import Entry
from anlan.model.errors import NotFound
from anlan.model.finding import Finding
from anlan.model.pack import Pack
from anlan.model.state import State, fold
from anlan.model.time import format_instant
from anlan.model.warning import Warning

NEWEST = 12
NO_PACK = "its pack {} is neither today's nor kept unchanged in this workspace"


def explain(house: RunningHouse, id: str) -> dict[str, Any]:
    """The chain of a finding, a risk, a warning, or anything that carries a risk, as plain JSON:
    `subject`, `history` (its own), `chain` (what led to it), `grounds` (on what its findings rest),
    `observations`, `recomputed` (each with `same`).
    NotFound for an id that the journal does not know."""
    delivered = id in house.state.deliveries
    own = house.delivery_entries(id) if delivered else list(house.journal.by_subject(id))
    if not own:
        raise NotFound("nothing in the journal has this id", where="explain", found=id)
    value = own[-1].value
    risk = own[-1].risk or (id if isinstance(value, Assessment) else "")
    thread = house.state.assessments.get(risk) or _thread_of(house.state, id)
    entries = house.thread_entries(thread) if thread else own
    if isinstance(value, Finding):
        findings, shown, warnings = [value], [value], []
    else:
        causes, until = (set(), own[-1].seq) if isinstance(value, Assessment) else led_to(house, own)
        told = _told(entries, until)
        # a split may have taken the cause out of the thread since
        moved = [f for id, f in house.state.findings.items() if id in causes and f not in told]
        findings = [*moved, *told]
        causes |= _gave_level(house, causes | {id}, findings)
        newest = findings[-NEWEST:]
        shown = [f for f in findings if f.id in causes or f in newest]
        warnings = [
            w for w in house.state.warnings.values() if w.digest and _concerns(w, id, thread, entries, until)
        ]
    checks = [recompute_finding(house, finding) for finding in findings]
    checks += [recompute_warning(house, warning) for warning in warnings]
    return {
        "id": id,
        "risk": thread.id if thread else "",
        "subject": to_plain(house.state.deliveries[id] if delivered else value),
        "history": [_line(entry) for entry in own],
        "chain": [_line(entry) for entry in entries if entry.seq <= own[-1].seq],
        "basis": _basis(_pack_of(house, value), value),
        "grounds": {f.id: to_plain(f.grounds) for f in shown if f.grounds},
        "observations": {f.id: _observations(house, f) for f in shown},
        "recomputed": checks,
        "same": all(check["same"] for check in checks),
    }


def led_to(house: RunningHouse, own: Sequence[Entry]) -> tuple[set[str], int]:
    """(what a value follows from, the row up to which the past led to it). The causes are followed back to
    findings; of a warning or of what a warning led to, the row is the one of the warning's draft."""
    causes: set[str] = set()
    until = own[0].seq
    drafted = isinstance(own[0].value, Warning)
    ahead = [*own[0].cause, *_named(own[0].value)]
    while ahead:
        id = ahead.pop(0)
        if id in causes or id == own[0].subject:
            continue
        causes.add(id)
        entries = house.journal.by_subject(id)
        if not entries:
            continue
        first = entries[0]
        if isinstance(first.value, Warning) and not drafted:
            drafted, until = True, first.seq
        ahead += [*first.cause, *_named(first.value)]
    return causes, until


def _named(value: object) -> list[str]:
    """What a value itself says it follows from: of a task its incident, of an incident what opened it, of a
    warning the messages before it."""
    named = [getattr(value, name, "") for name in ("warning", "incident", "by")]
    return [id for id in (*named, *reversed(getattr(value, "references", ()))) if id]


def _gave_level(house: RunningHouse, ids: set[str], findings: Sequence[Finding]) -> set[str]:
    """The newest finding of the level of each of these warnings: the one that its text quotes."""
    levels = {house.state.warnings[id].level for id in ids if id in house.state.warnings}
    return {f.id for level in levels for f in [f for f in findings if f.level == level][-1:]}


def _told(entries: Sequence[Entry], until: int) -> list[Finding]:
    """The findings that were there by that row, in order."""
    found = {e.subject: e.value for e in entries if isinstance(e.value, Finding) and e.seq <= until}
    return list(found.values())


def _concerns(
    warning: Warning, id: str, thread: Assessment | None, entries: Sequence[Entry], until: int
) -> bool:
    """The warning itself, and those of the same risk that were drafted by that row."""
    if warning.id == id:
        return True
    if thread is None or warning.risk != thread.id:
        return False
    return any(entry.subject == warning.id and entry.seq <= until for entry in entries)


def recompute_finding(house: RunningHouse, finding: Finding) -> dict[str, Any]:
    """The finding again, from what the lake knew then and the state the journal had then."""
    pack = house.pack_of(finding.pack)
    if pack is None:
        return {
            "id": finding.id,
            "what": "finding",
            "same": False,
            "why": NO_PACK.format(finding.pack[:16]),
        }
    entry = house.journal.by_subject(finding.id)[0]
    before: State = fold(house.journal.read(until=entry.seq - 1))
    again = [
        found
        for stale, silent in ((False, False), (True, False), (True, True))
        for found in evaluate(
            pack.rules[finding.rule],
            pack,
            house.lake,
            before,
            finding.known,
            stale=stale,
            silent=silent,
            only=finding.place,
        )
        if found.id == finding.id
    ]
    same = any(to_json(found) == to_json(finding) for found in again)
    return {
        "id": finding.id,
        "what": "finding",
        "same": same,
        "digest": house.digest(to_json(finding)),
        "evidence": to_plain(finding.evidence),
        "why": "" if same else "the value computed again differs",
    }


def recompute_warning(house: RunningHouse, warning: Warning) -> dict[str, Any]:
    """The message's bytes again, against the digest of what was sent."""
    if warning.pack and house.pack_of(warning.pack) is None:
        return {
            "id": warning.id,
            "what": "warning",
            "same": False,
            "digest": warning.digest,
            "why": NO_PACK.format(warning.pack[:16]),
        }
    raw = house.render(warning)
    same = house.digest(raw) == warning.digest
    signed = house.published(warning) if same else raw
    unknown = "" if warning.pack else "; with today's pack, for its own was not written down yet"
    return {
        "id": warning.id,
        "what": "warning",
        "same": same,
        "digest": warning.digest,
        "bytes": len(raw),
        "signed": len(signed) - len(raw) if signed != raw else 0,
        "why": "" if same else f"the bytes rendered again differ{unknown}",
    }


def _pack_of(house: RunningHouse, value: object) -> Pack:
    """The pack that a value was decided with, as far as that is known; else today's."""
    risk, state = getattr(value, "risk", ""), house.state
    digest = str(getattr(value, "pack", ""))
    if not digest and not isinstance(value, Assessment):
        incident = state.incidents.get(getattr(value, "incident", ""))
        by = getattr(value, "warning", "") or getattr(incident or value, "by", "")
        sent = [w for w in state.warnings.values() if w.risk == risk and w.id == by]
        digest = sent[0].pack if sent else ""
    return house.pack_of(digest) or house.pack


def _thread_of(state: State, finding: str) -> Assessment | None:
    return next((t for t in state.assessments.values() if finding in t.findings), None)


def _line(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": format_instant(entry.at),
        "kind": entry.kind,
        "subject": entry.subject,
        "actor": entry.actor,
        "cause": list(entry.cause),
        "why": to_plain(entry.why) if entry.why else None,
        "says": _says(entry),
    }


def _says(entry: Entry) -> dict[str, str] | None:
    value = entry.value
    text = (
        getattr(value, "sentence", None) or getattr(value, "headline", None) or getattr(value, "title", None)
    )
    return to_plain(text) if text is not None else None


def _basis(pack: Pack, value: object) -> list[dict[str, str]]:
    """The articles that the value cites, with what they say."""
    found = []
    for citation in filter(None, str(getattr(value, "basis", "")).split("; ")):
        law, _, article = citation.partition("#")
        definition = pack.laws.get(law)
        gist = (
            next((a.gist for a in definition.articles if a.number == article), None) if definition else None
        )
        found.append(
            {
                "basis": citation,
                "law_en": definition.title.en if definition else "",
                "law_zh": definition.title.zh if definition else "",
                "gist_en": gist.en if gist else "",
                "gist_zh": gist.zh if gist else "",
            }
        )
    return found


def _observations(house: RunningHouse, finding: Finding) -> list[dict[str, Any]]:
    """The newest values that the finding saw, as known then."""
    slice = house.lake.read(
        finding.indicator,
        known=finding.known,
        places=[finding.place],
        since=finding.evidence.since,
        until=finding.evidence.until + timedelta(microseconds=1),
    )
    first = max(0, len(slice.at) - NEWEST)
    return [
        {
            "at": str(slice.at[i]) + "Z",
            "known": str(slice.known[i]) + "Z",
            "value": None if slice.value[i] != slice.value[i] else float(slice.value[i]),
        }
        for i in range(first, len(slice.at))
    ]
