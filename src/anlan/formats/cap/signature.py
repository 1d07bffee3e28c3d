"""What the XML signatures of a message prove (CAP 1.2, section 3.3.4.1; XML Signature, sections 3.2 and
6.6.4).

Four verdicts: `authenticated` (whole, and signed by one whom an anchor binds to the sender),
`integrity_only` (whole, by somebody), `unsigned` (no signature, or none that can be checked here),
`broken` (changed since, signed for something else, or with transforms that choose what is signed: CAP
allows the enveloped signature alone, and the rest is never run). Certificates inside a message are used
to check that it is whole and never to say who signed it: see `anlan.formats.cap.trust`.

What it covers is looked at by `anlan.formats.cap.signed_reference`, by which key by
`anlan.formats.cap.signature_value`; here is what the two come to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509

from anlan.formats.cap.fault import shown
from anlan.formats.cap.secure import parse
from anlan.formats.cap.signature_value import (
    certificates_in,
    described,
    holds,
    is_known,
    weaknesses,
)
from anlan.formats.cap.signed_reference import (
    C14N,
    DIGESTS,
    DS,
    ENVELOPED,
    algorithm,
    form_of,
    inside,
    own_part_fits,
    signatures_of,
    steps_of,
)
from anlan.formats.cap.trust import Anchor, Trust, issued_under

AUTHENTICATED = "authenticated"
INTEGRITY_ONLY = "integrity_only"
UNSIGNED = "unsigned"
BROKEN = "broken"

#: a sender and those who relay; each signature costs several looks at the whole message
MOST = 4
#: one to the message, and a few to parts of the signature itself
_MOST_REFERENCES = 8


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a message, counted from 1. `outcome`: whole, broken or unknown. `form`: in which
    form of the message the digest fits ("as it stands" or what had to be taken out first). `signer`: the
    certificate's subject, `fingerprint` its SHA-256; "" without a certificate. `weak`: what is too weak to
    prove anything today. `anchor`: True where an anchor of the sender signed. `sentence` says why."""

    number: int
    outcome: str
    code: str
    sentence: str
    method: str = ""
    digest: str = ""
    c14n: str = ""
    form: str = ""
    key_name: str = ""
    signer: str = ""
    issuer: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    fingerprint: str = ""
    weak: tuple[str, ...] = ()
    anchor: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the signatures together prove: `verdict` with a stable `code` and a `sentence`."""

    verdict: str
    code: str
    sentence: str
    signatures: tuple[Signature, ...] = ()


def verify(
    raw: bytes, sender: str = "", trust: Trust | None = None, *, at: datetime | None = None, where: str = ""
) -> Verdict:
    """The verdict on a message's bytes. `sender` is the message's own; `at` the instant at which anchors
    and certificates must be in force, needed where `trust` has any. Raises what `parse` raises."""
    root = parse(raw, where, whole=True)
    found = signatures_of(root)
    if not found:
        stray = next(root.iter(f"{DS}Signature"), None)
        if stray is not None:
            told = "a signature stands elsewhere than at the end of the message: it covers nothing"
            return Verdict(BROKEN, "signature_broken", told)
        return Verdict(UNSIGNED, "no_signature", "the message has no signature")
    if len(found) > MOST:
        told = f"{len(found)} signatures; at most {MOST} are looked at"
        return Verdict(BROKEN, "signature_broken", told)
    values = ["".join((one.findtext(f"{DS}SignatureValue") or "").split()) for one in found]
    if len(set(values)) < len(values):
        return Verdict(BROKEN, "signature_twice", "the same signature stands there twice")

    def fresh(close: bool) -> Any:
        # taking a signature out changes the tree, so every look has a fresh one
        return parse(raw, where, whole=True, blanks=not close)

    looked = tuple(
        _Looked(fresh, number, sender, trust or Trust(), at).verdict() for number in range(len(found))
    )
    return _together(looked, sender, trust or Trust())


def _together(looked: tuple[Signature, ...], sender: str, trust: Trust) -> Verdict:
    broken = [one for one in looked if one.outcome == "broken"]
    if broken:
        return Verdict(BROKEN, broken[0].code, broken[0].sentence, looked)
    bound = [one for one in looked if one.anchor]
    if bound:
        return Verdict(AUTHENTICATED, "signature_authenticated", bound[0].sentence, looked)
    whole = [one for one in looked if one.outcome == "whole"]
    if not whole:
        return Verdict(UNSIGNED, looked[0].code, looked[0].sentence, looked)
    told = whole[0].sentence
    if not trust.knows(sender):
        told = f"the message is whole; nothing binds a key to the sender {shown(sender)}"
        return Verdict(INTEGRITY_ONLY, "no_anchor", told, looked)
    return Verdict(INTEGRITY_ONLY, whole[0].code, told, looked)


class _Looked:
    """One signature of a message while it is looked at."""

    def __init__(
        self, fresh: Callable[[bool], Any], place: int, sender: str, trust: Trust, at: datetime | None
    ) -> None:
        self.fresh = fresh
        self.place = place
        self.sender = sender
        self.trust = trust
        self.at = at
        self.node = signatures_of(fresh(False))[place]
        self.facts: dict[str, Any] = {"number": place + 1}

    def verdict(self) -> Signature:
        info = self.node.find(f"{DS}SignedInfo")
        for name in ("SignedInfo", "SignatureValue"):
            if len(self.node.findall(f"{DS}{name}")) != 1:
                return self.told("broken", "signature_broken", f"not one {name} in the signature")
        method = algorithm(info, "SignatureMethod")
        self.facts.update(
            method=method,
            c14n=algorithm(info, "CanonicalizationMethod"),
            key_name=shown((self.node.findtext(f"{DS}KeyInfo/{DS}KeyName") or "").strip())[1:-1],
        )
        references = info.findall(f"{DS}Reference")
        if len(references) > _MOST_REFERENCES:
            return self.told("broken", "signature_broken", f"{len(references)} references in one signature")
        covering = [one for one in references if not one.get("URI")]
        foreign = [one for one in references if one.get("URI") and not inside(self.node, one)]
        if foreign or len(covering) != 1:
            found = ", ".join(shown(one.get("URI") or "the whole message") for one in references[:5])
            return self.told(
                "broken",
                "signature_foreign_reference" if foreign else "signature_broken",
                f"it does not cover this message alone; found {found or 'no reference'}; "
                'expected one reference to the whole message (URI="")',
            )
        reference = covering[0]
        self.facts["digest"] = algorithm(reference, "DigestMethod")
        strange = _strange(reference, str(self.facts["c14n"]))
        if strange:
            return self.told("broken", "signature_transform", f"not run, and not accepted: {strange}")
        unknown = self._unknown(method)
        if unknown:
            return self.told("unknown", "signature_unknown", f"cannot be checked here: {unknown}")
        self.facts["weak"] = weaknesses(method, self.facts["digest"])
        for other in references:
            if other is not reference and not own_part_fits(self.node, other):
                return self.told("broken", "signature_broken", "a part of the signature itself was changed")
        form = form_of(self.fresh, self.place, self.node, reference, self.facts["digest"])
        if not form:
            return self.told("broken", "signature_broken", "the message is not the one that was signed")
        self.facts["form"] = form
        return self._signed()

    def told(self, outcome: str, code: str, sentence: str, **more: Any) -> Signature:
        number = self.place + 1
        return Signature(
            outcome=outcome, code=code, sentence=f"signature {number}: {sentence}", **{**self.facts, **more}
        )

    def _unknown(self, method: str) -> str:
        if not is_known(method):
            return f"signature method {shown(method)}"
        if self.facts["digest"] not in DIGESTS:
            return f"digest method {shown(self.facts['digest'])}"
        if self.facts["c14n"] not in C14N:
            return f"canonical form {shown(self.facts['c14n'])}"
        return ""

    def _signed(self) -> Signature:
        """The message is whole by its digest: whose key signed that digest?"""
        certificates = certificates_in(self.node)
        anchors = self.trust.of(self.sender, self.at) if self.at is not None else []
        for anchor in anchors:
            if not anchor.authority and holds(self.fresh, self.place, anchor.certificate):
                return self._bound(anchor.certificate, anchor)
        signer = next((one for one in certificates if holds(self.fresh, self.place, one)), None)
        if signer is not None:
            found = described(signer, self.facts["weak"])
            reasons = []
            for anchor in anchors:
                if anchor.authority:
                    why = issued_under(signer, certificates, anchor, self.at) if self.at else "no instant"
                    if not why:
                        return self._bound(signer, anchor)
                    reasons.append(why)
            return self._by_somebody(found, reasons)
        if certificates:
            return self.told(
                "broken", "signature_broken", "the signature value does not fit the certificate beside it"
            )
        bare = holds(self.fresh, self.place, None)
        if bare:
            return self._by_somebody({}, ["it brings a bare key and no certificate"])
        if bare is None:
            return self.told(
                "unknown", "signature_without_key", "its digest fits, but it brings no key to check it with"
            )
        return self.told("broken", "signature_broken", "the signature value does not fit the key beside it")

    def _bound(self, certificate: x509.Certificate, anchor: Anchor) -> Signature:
        """By a key of the sender's: does it prove that now?"""
        found = described(certificate, self.facts["weak"])
        weak = found.get("weak", self.facts["weak"])
        at = self.at
        if weak:
            return self.told(
                "whole",
                "weak_algorithm",
                f"by the sender's key, but too weak to prove it: {', '.join(weak)}",
                **found,
            )
        assert at is not None
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            span = (
                f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
            )
            return self.told(
                "whole",
                "certificate_not_valid",
                f"by the sender's key, whose certificate is valid {span}, not at {at:%Y-%m-%d %H:%M}",
                **found,
            )
        by = anchor.subject or found["signer"]
        return self.told(
            "whole", "signature_authenticated", f"signed by {by} for {self.sender}", anchor=True, **found
        )

    def _by_somebody(self, found: dict[str, Any], reasons: list[str]) -> Signature:
        why = f" ({'; '.join(reasons[:3])})" if reasons else ""
        if self.trust.knows(self.sender):
            none = " in force" if self.at is not None and not self.trust.of(self.sender, self.at) else ""
            told = f"whole, but by no key{none} that is bound to the sender{why}"
        else:
            told = f"whole; nothing binds its key to the sender{why}"
        return self.told("whole", "other_key", told, **found)


def _strange(reference: Any, form: str) -> str:
    """What is not as in an enveloped signature of the whole message: a transform that is a program or picks
    parts out (XSLT, XPath, base64 …; XML Signature Best Practices, sections 2.1 and 2.2), or none that takes
    the signature itself out. The canonical form that the signature itself names is no such thing, though it
    may be one that is not known here."""
    steps = steps_of(reference)
    other = [step for step in steps if step != ENVELOPED and step not in C14N and step != form]
    if other:
        return f"transform {shown(other[0])}"
    return "" if ENVELOPED in steps else "no enveloped-signature transform"
