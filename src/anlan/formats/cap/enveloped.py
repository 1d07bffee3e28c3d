"""Signatures inside a message, as far as their form shows what they are for (CAP 1.2, section 3.3.4.1)."""

from __future__ import annotations

from typing import Any

from anlan.formats.cap.fault import CapFault
from anlan.formats.cap.schema import XMLDSIG

SIGNATURE = f"{{{XMLDSIG}}}Signature"
_ENVELOPED = f"{XMLDSIG}enveloped-signature"


def signature_faults(signatures: list[Any]) -> list[CapFault]:
    """What is wrong with the form of each of these elements."""
    found = []
    for number, signature in enumerate(signatures, 1):
        references = signature.findall(f"{{{XMLDSIG}}}SignedInfo/{{{XMLDSIG}}}Reference")
        enveloped = [
            reference
            for reference in references
            if not reference.get("URI")
            and any(step.get("Algorithm") == _ENVELOPED for step in reference.iter(f"{{{XMLDSIG}}}Transform"))
        ]
        if len(references) != 1 or len(enveloped) != 1:
            told = ", ".join(reference.get("URI") or "the whole message" for reference in references)
            expected = "one reference to the whole message, with the enveloped transform"
            path = f"alert/Signature[{number}]"
            found.append(CapFault(path, "S-enveloped", told or "no reference", expected, False, False))
    return found
