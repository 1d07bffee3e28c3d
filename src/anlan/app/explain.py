"""`anlan explain ID`: how a value came about, as known then, and the same computed again.

A finding is recomputed from the lake as of its `known` with the rules of its pack; a warning's message
is rendered again and must have the digest that was journalled when it was sent. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from anlan.packs.load import load_pack

NEWEST = 12


def explain(house: RunningHouse, id: str) -> dict[str, Any]:
    """The chain of a finding, a risk, a warning, or anything that carries a risk, as plain JSON:
    `subject`, `entries` (its own history), `chain` (what led to it), `recomputed` (each with `same`).
    NotFound for an id that the journal does not know."""
    own = list(house.journal.by_subject(id))
    if not own:
        raise NotFound("nothing in the journal has this id", where="explain", found=id)
    value = own[-1].value
    risk = own[-1].risk or (id if isinstance(value, Assessment) else "")
    thread = house.state.assessments.get(risk) or _thread_of(house.state, id)
    entries = house.thread_entries(thread) if thread else own
    findings = [house.state.findings[f] for f in (thread.findings if thread else ())]
    if isinstance(value, Finding):
        findings = [value]
    checks = [recompute_finding(house, finding) for finding in findings]
    warnings = [
        w
        for w in house.state.warnings.values()
        if w.digest and (w.id == id or (thread is not None and w.risk == thread.id))
    ]
    if isinstance(value, Finding):
        warnings = []
    checks += [recompute_warning(house, warning) for warning in warnings]
    return {
        "id": id,
        "risk": thread.id if thread else "",
        "subject": to_plain(value),
        "history": [_line(entry) for entry in own],
        "chain": [_line(entry) for entry in entries if entry.seq <= own[-1].seq],
        "basis": _basis(house.pack, value),
        "observations": {f.id: _observations(house, f) for f in findings[-NEWEST:]},
        "recomputed": checks,
        "same": all(check["same"] for check in checks),
    }


def recompute_finding(house: RunningHouse, finding: Finding) -> dict[str, Any]:
    """The finding again, from what the lake knew then and the state the journal had then."""
    pack = _pack_of(house, finding.pack)
    if pack is None:
        return {
            "id": finding.id,
            "what": "finding",
            "same": False,
            "why": f"its pack {finding.pack[:16]} is no longer kept in this workspace",
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
    raw = house.render(warning)
    same = house.digest(raw) == warning.digest
    return {
        "id": warning.id,
        "what": "warning",
        "same": same,
        "digest": warning.digest,
        "bytes": len(raw),
        "why": "" if same else "the bytes rendered again differ",
    }


def _pack_of(house: RunningHouse, digest: str) -> Pack | None:
    if digest == house.pack.digest:
        return house.pack
    kept = house.workspace / "packs" / digest[:16]
    for folder in sorted(kept.iterdir()) if kept.is_dir() else ():
        pack = load_pack(folder, (kept,))
        if pack.digest == digest:
            return pack
    return None


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
    cited: Iterable[str] = [getattr(value, "basis", "")] if getattr(value, "basis", "") else []
    found = []
    for citation in cited:
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
