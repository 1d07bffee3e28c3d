"""What `anlan cap` prints of a message: one JSON object, or lines for people."""

from __future__ import annotations

from typing import Any

from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.look import Look
from anlan.formats.cap.signature import BROKEN, Signature

HEAD = f"{'READ':<5}{'XSD':<5}{'MUST':>5}{'SHOULD':>7}  {'SIGNATURE':<15}{'GEOMETRY':<11} FILE # IDENTIFIER"


def as_json(look: Look) -> dict[str, Any]:
    """Everything that was found, as plain data."""
    item = look.item
    told: dict[str, Any] = {
        "file": item.file,
        "index": item.index,
        "member": item.member,
        "sender": look.sender,
        "identifier": look.identifier,
        "version": look.version,
        "readable": look.readable,
        "valid": look.valid,
        "reason": None,
        "findings": [_finding(finding) for finding in look.findings],
        "signature": look.verdict.verdict if look.verdict else None,
        "signature_code": look.verdict.code if look.verdict else None,
        "signature_sentence": look.verdict.sentence if look.verdict else None,
        "signatures": [_signature(one) for one in look.verdict.signatures] if look.verdict else [],
        "geometry": look.ground or None,
        "geometry_records": [
            {"path": one.path, "code": one.code, "found": one.found, "read": one.read}
            for one in look.mendings
        ],
        "seconds": round(look.seconds, 6),
    }
    code, sentence = why_not(look)
    if code:
        told["reason"] = {"code": code, "sentence": sentence}
    if item.links:
        told["links"] = list(item.links)
    return told


def why_not(look: Look) -> tuple[str, str]:
    """(code, sentence) of why an item cannot be used as a message; empty for one that can."""
    if look.item.code:
        return look.item.code, look.item.sentence
    if look.readable:
        return "", ""
    blocking = [finding for finding in look.findings if finding.blocking]
    rules = {finding.rule for finding in blocking}
    code = "hostile" if rules & {"S-size", "S-no-dtd"} else "unreadable"
    code = code if rules & {"S-size", "S-no-dtd", "X-wellformed"} else "not_cap"
    told = "; ".join(finding.sentence() for finding in blocking[:3])
    return code, told or "not a usable CAP message"


def _finding(finding: CapFault) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "path": finding.path,
        "severity": finding.severity,
        "level": finding.told.level,
        "found": finding.found,
        "expected": finding.expected,
        "blocking": finding.blocking,
        "bars": finding.bars,
    }


def _signature(one: Signature) -> dict[str, Any]:
    return {
        "number": one.number,
        "outcome": one.outcome,
        "code": one.code,
        "sentence": one.sentence,
        "method": one.method.rpartition("#")[2],
        "digest": one.digest.rpartition("#")[2],
        "form": one.form,
        "key_name": one.key_name,
        "signer": one.signer,
        "issuer": one.issuer,
        "valid_from": one.valid_from.isoformat() if one.valid_from else None,
        "valid_to": one.valid_to.isoformat() if one.valid_to else None,
        "fingerprint": one.fingerprint,
        "weak": list(one.weak),
    }


def as_lines(look: Look) -> list[str]:
    """The message on one line, then each finding on its own; nothing that came from it can forge a line."""
    item = look.item
    place = f"{shown(item.file, 300)[1:-1]} {'-' if item.index is None else item.index}"
    if item.code:
        why = look.item.sentence.removeprefix(f"{item.file}: ")
        read = "-" if item.index is None else "no"
        line = f"{read:<5}{'-':<5}{'-':>5}{'-':>7}  {'-':<15}{'-':<11} {place} {item.code}: {_plain(why)}"
        return [line, *map(_finding_line, look.findings if item.index is None else ())]
    counts = {name: sum(f.severity == name for f in look.findings) for name in ("must", "should")}
    signature = look.verdict.verdict if look.verdict else "-"
    valid = "-" if look.valid is None else ("yes" if look.valid else "no")
    lines = [
        f"{'yes' if look.readable else 'no':<5}{valid:<5}{counts['must']:>5}{counts['should']:>7}  "
        f"{signature:<15}{look.ground or '-':<11} {place} {shown(look.identifier, 80)[1:-1] or '-'}"
    ]
    lines += map(_finding_line, look.findings)
    for mending in look.mendings:
        lines.append(
            f"    ground {mending.code:<28} {_plain(mending.path)}: {_plain(mending.found)}: "
            f"{_plain(mending.read)}"
        )
    if look.verdict and look.verdict.code != "no_signature":
        lines.append(f"    signed {look.verdict.code:<28} {_plain(look.verdict.sentence)}")
    return lines


def _finding_line(finding: CapFault) -> str:
    told = f"{finding.path}: found {finding.found}; expected {finding.expected}"
    return f"    {finding.severity:<7}{finding.rule:<28} {_plain(told)}"


def _plain(text: str) -> str:
    return shown(text, 400)[1:-1]


def at_fault(look: Look) -> bool:
    """True for what makes `anlan cap check` end with 1: a document that cannot be used as a message, a
    mandatory rule that is broken, a broken signature. An index that only links is no fault."""
    if look.item.index is None:
        return any(finding.severity == "must" for finding in look.findings)
    if not look.readable or look.valid is False:
        return True
    broken = look.verdict is not None and look.verdict.verdict == BROKEN
    return broken or any(finding.severity == "must" for finding in look.findings)
