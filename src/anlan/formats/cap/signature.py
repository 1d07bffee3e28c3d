"""What the XML signatures of a message prove (CAP 1.2, section 3.3.4.1; XML Signature, sections 3.2 and
6.6.4).

Four verdicts: `authenticated` (whole, and signed by one whom an anchor binds to the sender),
`integrity_only` (whole, by somebody), `unsigned` (no signature, or none that can be checked here),
`broken` (changed since, or signed for something else). Certificates inside a message are used to check
that it is whole and never to say who signed it: see `anlan.formats.cap.trust`.

The signature value is checked by signxml with one key that is given to it; the digest of the message is
worked out here, because what issuers sign and what they publish differ in blanks, in the declaration
before the element and in the signatures of relays, and a message is told to be whole in such a form, by
name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, InvalidInput
from signxml.verifier import SignatureConfiguration, XMLVerifier

from anlan.formats.cap.fault import shown
from anlan.formats.cap.schema import XMLDSIG
from anlan.formats.cap.secure import parse
from anlan.formats.cap.trust import Anchor, Trust, issued_under

AUTHENTICATED = "authenticated"
INTEGRITY_ONLY = "integrity_only"
UNSIGNED = "unsigned"
BROKEN = "broken"

_DS = f"{{{XMLDSIG}}}"
_ENVELOPED = f"{XMLDSIG}enveloped-signature"
_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
#: algorithm -> (exclusive, with comments)
_C14N = {
    _INCLUSIVE: (False, False),
    f"{_INCLUSIVE}#WithComments": (False, True),
    # of a whole document the two versions are the same
    "http://www.w3.org/2006/12/xml-c14n11": (False, False),
    "http://www.w3.org/2006/12/xml-c14n11#WithComments": (False, True),
    _EXCLUSIVE: (True, False),
    f"{_EXCLUSIVE}WithComments": (True, True),
}
_SHA1 = f"{XMLDSIG}sha1"
_DIGESTS: dict[str, Callable[[bytes], Any]] = {
    _SHA1: hashlib.sha1,
    "http://www.w3.org/2001/04/xmldsig-more#sha224": hashlib.sha224,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
    **{
        f"http://www.w3.org/2007/05/xmldsig-more#sha3-{bits}": getattr(hashlib, f"sha3_{bits}")
        for bits in (224, 256, 384, 512)
    },
}
_METHODS = frozenset(method for method in SignatureMethod if not method.name.startswith("HMAC"))
#: RSA below this, in bits, and elliptic curves below the other are weak (NIST SP 800-131A)
_RSA, _EC = 2048, 224

#: a sender and those who relay; each signature costs several looks at the whole message
MOST = 4
#: one to the message, and a few to parts of the signature itself
_MOST_REFERENCES = 8
#: certificates looked at in one signature
_MOST_CERTIFICATES = 8


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
        stray = next(root.iter(f"{_DS}Signature"), None)
        if stray is not None:
            told = "a signature stands elsewhere than at the end of the message: it covers nothing"
            return Verdict(BROKEN, "signature_broken", told)
        return Verdict(UNSIGNED, "no_signature", "the message has no signature")
    if len(found) > MOST:
        told = f"{len(found)} signatures; at most {MOST} are looked at"
        return Verdict(BROKEN, "signature_broken", told)
    values = ["".join((one.findtext(f"{_DS}SignatureValue") or "").split()) for one in found]
    if len(set(values)) < len(values):
        return Verdict(BROKEN, "signature_twice", "the same signature stands there twice")

    def fresh(close: bool) -> Any:
        # taking a signature out changes the tree, so every look has a fresh one
        return parse(raw, where, whole=True, blanks=not close)

    looked = tuple(
        _Looked(fresh, number, sender, trust or Trust(), at).verdict() for number in range(len(found))
    )
    return _together(looked, sender, trust or Trust())


def signatures_of(root: Any) -> list[Any]:
    """The enveloped signatures of a message, in document order."""
    return [child for child in root if child.tag == f"{_DS}Signature"]


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
        info = self.node.find(f"{_DS}SignedInfo")
        if info is None or len(self.node.findall(f"{_DS}SignedInfo")) > 1:
            return self.told("broken", "signature_broken", "not one SignedInfo in the signature")
        method = _algorithm(info, "SignatureMethod")
        self.facts.update(
            method=method,
            c14n=_algorithm(info, "CanonicalizationMethod"),
            key_name=shown((self.node.findtext(f"{_DS}KeyInfo/{_DS}KeyName") or "").strip())[1:-1],
        )
        references = info.findall(f"{_DS}Reference")
        if len(references) > _MOST_REFERENCES:
            return self.told("broken", "signature_broken", f"{len(references)} references in one signature")
        covering = [one for one in references if not one.get("URI")]
        foreign = [one for one in references if one.get("URI") and not self._inside(one)]
        if foreign or len(covering) != 1:
            found = ", ".join(shown(one.get("URI") or "the whole message") for one in references[:5])
            return self.told(
                "broken",
                "signature_foreign_reference" if foreign else "signature_broken",
                f"it does not cover this message alone; found {found or 'no reference'}; "
                'expected one reference to the whole message (URI="")',
            )
        reference = covering[0]
        self.facts["digest"] = _algorithm(reference, "DigestMethod")
        unknown = self._unknown(reference, method)
        if unknown:
            return self.told("unknown", "signature_unknown", f"cannot be checked here: {unknown}")
        self.facts["weak"] = self._weak()
        for other in references:
            if other is not reference and not self._own_part_fits(other):
                return self.told("broken", "signature_broken", "a part of the signature itself was changed")
        form = self._form(reference)
        if not form:
            return self.told("broken", "signature_broken", "the message is not the one that was signed")
        self.facts["form"] = form
        return self._signed()

    def told(self, outcome: str, code: str, sentence: str, **more: Any) -> Signature:
        number = self.place + 1
        return Signature(
            outcome=outcome, code=code, sentence=f"signature {number}: {sentence}", **{**self.facts, **more}
        )

    # -- digests ------------------------------------------------------------------------------------

    def _inside(self, reference: Any) -> bool:
        """A reference to a part of this signature (as XAdES has them), and to nothing else."""
        uri = reference.get("URI")
        if not uri.startswith("#") or "(" in uri:
            return False
        named = [
            node
            for node in self.node.getroottree().getroot().iter(etree.Element)
            if any(node.get(name) == uri[1:] for name in ("Id", "ID", "id"))
        ]
        return len(named) == 1 and self.node in named[0].iterancestors()

    def _unknown(self, reference: Any, method: str) -> str:
        try:
            known = SignatureMethod(method) in _METHODS
        except InvalidInput:
            known = False
        if not known:
            return f"signature method {shown(method)}"
        if self.facts["digest"] not in _DIGESTS:
            return f"digest method {shown(self.facts['digest'])}"
        if self.facts["c14n"] not in _C14N:
            return f"canonical form {shown(self.facts['c14n'])}"
        steps = _steps(reference)
        strange = [step for step in steps if step != _ENVELOPED and step not in _C14N]
        if strange:
            return f"transform {shown(strange[0])}"
        return "" if _ENVELOPED in steps else "no enveloped-signature transform"

    def _own_part_fits(self, reference: Any) -> bool:
        make = _DIGESTS.get(_algorithm(reference, "DigestMethod"))
        part = next(
            (
                node
                for node in self.node.iter(etree.Element)
                if any(node.get(name) == reference.get("URI")[1:] for name in ("Id", "ID", "id"))
            ),
            None,
        )
        if make is None or part is None:
            return False
        form = next((step for step in _steps(reference) if step in _C14N), _INCLUSIVE)
        exclusive, comments = _C14N[form]
        exact = etree.tostring(
            part, method="c14n", exclusive=exclusive, with_comments=comments, with_tail=False
        )
        return hmac.compare_digest(make(exact).digest(), _decoded(_digest_value(reference)))

    def _form(self, reference: Any) -> str:
        """In which form of the message the digest fits; "" in none."""
        make = _DIGESTS[self.facts["digest"]]
        told = _decoded(_digest_value(reference))
        step = next((step for step in _steps(reference) if step in _C14N), _INCLUSIVE)
        exclusive, comments = _C14N[step]
        prefixes = _prefixes(reference)
        several = len(signatures_of(self.node.getparent())) > 1
        # blanks between elements say nothing in CAP, and some programs indent a message that is signed
        for alone, close in ((True, False), (False, False), (True, True), (False, True)):
            if not alone and not several:
                continue
            root = self.fresh(close)
            for number, one in enumerate(signatures_of(root)):
                if number == self.place or not alone:
                    _take_out(one)
            # Some programs sign the element, without what stands before and behind it in the document, or
            # name the one canonical form and use the other; they differ in namespaces that nothing uses.
            for part in (root.getroottree(), root):
                for other in (False, True):
                    use = exclusive is not other
                    signed = etree.tostring(
                        part,
                        method="c14n",
                        exclusive=use,
                        with_comments=comments,
                        inclusive_ns_prefixes=prefixes if use else None,
                    )
                    if hmac.compare_digest(make(signed).digest(), told):
                        return _form_name(not alone, close, other)
        return ""

    # -- keys ---------------------------------------------------------------------------------------

    def _weak(self) -> tuple[str, ...]:
        found = []
        if self.facts["digest"] == _SHA1:
            found.append("sha1 digest")
        if "sha1" in self.facts["method"]:
            found.append("sha1 signature")
        if "dsa-sha" in self.facts["method"] and "ecdsa" not in self.facts["method"]:
            found.append("DSA")
        return tuple(found)

    def _signed(self) -> Signature:
        """The message is whole by its digest: whose key signed that digest?"""
        certificates = self._certificates()
        anchors = self.trust.of(self.sender, self.at) if self.at is not None else []
        for anchor in anchors:
            if not anchor.authority and self._by(anchor.certificate):
                return self._bound(anchor.certificate, anchor)
        signer = next((one for one in certificates if self._by(one)), None)
        if signer is not None:
            found = self._described(signer)
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
        bare = self._holds(None)
        if bare:
            return self._by_somebody({}, ["it brings a bare key and no certificate"])
        if bare is None:
            return self.told(
                "unknown", "signature_without_key", "its digest fits, but it brings no key to check it with"
            )
        return self.told("broken", "signature_broken", "the signature value does not fit the key beside it")

    def _bound(self, certificate: x509.Certificate, anchor: Anchor) -> Signature:
        """By a key of the sender's: does it prove that now?"""
        found = self._described(certificate)
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

    def _described(self, certificate: x509.Certificate) -> dict[str, Any]:
        weak = list(self.facts["weak"])
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey) and key.key_size < _RSA:
            weak.append(f"key of {key.key_size} bits")
        if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _EC:
            weak.append(f"curve of {key.key_size} bits")
        return {
            "signer": shown(_name(certificate.subject), 200)[1:-1],
            "issuer": shown(_name(certificate.issuer), 200)[1:-1],
            "valid_from": certificate.not_valid_before_utc,
            "valid_to": certificate.not_valid_after_utc,
            "fingerprint": hashlib.sha256(_der(certificate)).hexdigest(),
            "weak": tuple(weak),
        }

    def _certificates(self) -> list[x509.Certificate]:
        found = []
        path = f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate"
        for node in self.node.findall(path)[:_MOST_CERTIFICATES]:
            try:
                found.append(x509.load_der_x509_certificate(_decoded(node.text or "")))
            except (ValueError, UnsupportedAlgorithm):
                continue
        return found

    def _by(self, certificate: x509.Certificate) -> bool:
        return bool(self._holds(certificate))

    def _holds(self, certificate: x509.Certificate | None) -> bool | None:
        """Whether the signature value fits SignedInfo under that certificate's key (under the bare key of
        the signature without one); None where there is no key for it. Looked at as it stands and with
        blanks taken out."""
        found: list[bool | None] = []
        for close in (False, True):
            root = self.fresh(close)
            signature = signatures_of(root)[self.place]
            # alone in its message: signxml takes the first one, and looks at digests last
            for child in list(root):
                if child is not signature:
                    root.remove(child)
            found.append(_value_holds(etree.tostring(root), certificate))
            if found[-1]:
                return True
        return None if all(one is None for one in found) else False


class _Verifier(XMLVerifier):
    """libxml2 writes the inclusive form of a part with `xmlns=""` on children whose namespace is that of
    the part, where an element around it has another default namespace. No signature element is without a
    namespace, so there it is always wrong."""

    excise_empty_xmlns_declarations = True


def _value_holds(alone: bytes, certificate: x509.Certificate | None) -> bool | None:
    config = SignatureConfiguration(
        require_x509=certificate is not None,
        location="./",
        expect_references=True,
        signature_methods=_METHODS,
        digest_algorithms=frozenset(DigestAlgorithm),
        ignore_ambiguous_key_info=True,
        # whether it is in force is looked at apart, and told apart
        verification_time=certificate.not_valid_before_utc if certificate is not None else None,
    )
    try:
        _Verifier().verify(alone, x509_cert=certificate, validate_schema=False, expect_config=config)
    except InvalidDigest:
        # the value fits; the digest cannot, since the message was taken away
        return True
    except InvalidSignature:
        return False
    except (InvalidInput, UnsupportedAlgorithm, ValueError, KeyError, TypeError, AttributeError):
        return None
    return True


def _form_name(others: bool, blanks: bool, form: bool) -> str:
    told = [
        name
        for name, was in (
            ("other signatures taken out", others),
            ("blanks between elements taken out", blanks),
            ("the other canonical form", form),
        )
        if was
    ]
    return ", ".join(told) or "as it stands"


def _algorithm(node: Any, name: str) -> str:
    found = node.find(f"{_DS}{name}")
    return "" if found is None else found.get("Algorithm") or ""


def _steps(reference: Any) -> list[str]:
    return [step.get("Algorithm") or "" for step in reference.iterfind(f"{_DS}Transforms/{_DS}Transform")]


def _digest_value(reference: Any) -> str:
    return reference.findtext(f"{_DS}DigestValue") or ""


def _prefixes(reference: Any) -> list[str] | None:
    """Prefixes that the exclusive form is to treat as the inclusive one does."""
    found = next(reference.iter(f"{{{_EXCLUSIVE}}}InclusiveNamespaces"), None)
    return None if found is None else [p for p in (found.get("PrefixList") or "").split() if p != "#default"]


def _take_out(signature: Any) -> None:
    """The element out of its parent; the text behind it stays."""
    parent, before = signature.getparent(), signature.getprevious()
    if signature.tail:
        if before is None:
            parent.text = (parent.text or "") + signature.tail
        else:
            before.tail = (before.tail or "") + signature.tail
    parent.remove(signature)


def _name(name: x509.Name) -> str:
    try:
        return name.rfc4514_string()
    except ValueError:
        return "(a name that cannot be read)"


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
