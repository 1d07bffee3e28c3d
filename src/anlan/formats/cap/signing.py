"""Signing a message that leaves: one enveloped XML signature (CAP 1.2, section 3.3.4.1), put before the end
tag; every other byte stays as it was, so that taking it out gives the unsigned message back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from anlan.formats.cap.schema import XMLDSIG
from anlan.formats.cap.secure import decode, parse
from anlan.formats.cap.signature import MOST, verify
from anlan.formats.cap.signed_reference import signatures_of
from anlan.formats.cap.trust import Anchor, Trust, read_certificates
from anlan.model.errors import InvalidValue, NotFound, Unreadable

_RSA = 2048
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_END = re.compile(rb"</(?:[\w.-]+:)?alert\s*>(?=(?:\s|<!--.*?-->|<\?.*?\?>)*\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`id` stands in each signature as its key name. `chain`: the signer's certificate, then those that
    issued it, as far as readers need them. In use from `since` up to `until`."""

    id: str
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]
    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        """In use at that instant."""
        return self.since <= at < self.until

    @property
    def repeatable(self) -> bool:
        """The same bytes give the same signature (RSASSA-PKCS1-v1_5 does; ECDSA draws a number)."""
        return isinstance(self.key, rsa.RSAPrivateKey)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys that follow each other. Where spans overlap the one that began last signs."""

    keys: tuple[SigningKey, ...] = ()

    def at(self, instant: datetime) -> SigningKey | None:
        """The key that signs at that instant; None where none is in use."""
        held = [key for key in self.keys if key.holds(instant)]
        return max(held, key=lambda key: (key.since, key.id), default=None)


def load_key(
    id: str,
    key: bytes,
    certificates: bytes,
    *,
    password: bytes | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    where: str = "",
) -> SigningKey:
    """A key from the bytes of its PEM files. Its span is that of the certificate, narrowed by `since` and
    `until`. Unreadable: not a key or certificate, or the password does not open it. InvalidValue: a key
    that is too weak or of another kind than RSA and the NIST curves, or not that of the certificate."""
    try:
        private = load_pem_private_key(key, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # the library's sentence never holds the key or the password
        raise Unreadable("not a private key that can be used", where=where, found=str(error)) from error
    chain = tuple(read_certificates(certificates, where))
    if isinstance(private, rsa.RSAPrivateKey):
        if private.key_size < _RSA:
            raise InvalidValue(
                "too weak a key", where=where, found=f"{private.key_size} bits", expected=f"{_RSA} or more"
            )
    elif not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name not in _CURVES:
        raise InvalidValue(
            "not a key for an XML signature", where=where, expected=f"RSA, or one of {', '.join(_CURVES)}"
        )
    if _public(private.public_key()) != _public(chain[0].public_key()):
        raise InvalidValue(
            "the key is not that of the certificate",
            where=where,
            found=chain[0].subject.rfc4514_string(),
            mend="the signer's certificate stands first in its file",
        )
    first, last = chain[0].not_valid_before_utc, chain[0].not_valid_after_utc
    return SigningKey(id, private, chain, max(first, since or first), min(last, until or last))


def _public(key: object) -> bytes:
    ask: Callable[..., bytes] | None = getattr(key, "public_bytes", None)
    return ask(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if ask else b""


def sign(raw: bytes, key: SigningKey) -> bytes:
    """The message with one more signature, of all that it is. InvalidValue: not UTF-8, no CAP message, or
    signed too often already; what `parse` raises. What is returned has been verified with `key`."""
    root = parse(raw, whole=True)
    if len(signatures_of(root)) >= MOST:
        raise InvalidValue("signed too often", found=f"{MOST} signatures", expected="fewer")
    if decode(raw).encode() != raw.removeprefix(b"\xef\xbb\xbf"):
        raise InvalidValue("only messages in UTF-8 are signed", expected="UTF-8")
    end = _END.search(raw)
    if end is None or not root.tag.endswith("}alert"):
        raise InvalidValue("no message to sign", found=root.tag[:80], expected="a CAP alert")
    rsa_key = isinstance(key.key, rsa.RSAPrivateKey)
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256 if rsa_key else SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    done = signer.sign(root, key=key.key, cert=list(key.chain), key_name=key.id)
    made = etree.tostring(done[-1], with_tail=False)
    if done[-1].tag != f"{{{XMLDSIG}}}Signature":  # where the library puts it
        raise InvalidValue("the signature is not where it should be", found=str(done[-1].tag))
    signed: bytes = raw[: end.start()] + made + raw[end.start() :]
    name = root.findtext(f"{root.tag.rpartition('}')[0]}}}sender") or ""
    at = max(key.chain[0].not_valid_before_utc, key.since)
    verdict = verify(signed, name, Trust((Anchor(name, key.chain[0]),)), at=at)
    if verdict.verdict != "authenticated":
        raise InvalidValue("the signature does not verify", found=verdict.sentence)
    return signed


def signing_key_needed(ring: KeyRing, instant: datetime, where: str) -> SigningKey:
    """The key in use; NotFound names the spans that there are."""
    key = ring.at(instant)
    if key is None:
        spans = "; ".join(f"{k.id} {k.since:%Y-%m-%d} to {k.until:%Y-%m-%d}" for k in ring.keys)
        raise NotFound(
            "no signing key is in use", where=where, found=f"{instant:%Y-%m-%d}", expected=spans or "a key"
        )
    return key
