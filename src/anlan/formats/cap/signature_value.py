"""Whose key signed what a signature covers (XML Signature, section 3.2.2, signature validation).

The signature value is checked by signxml with one key that is given to it. Certificates inside a message
are used to check that it is whole and never to say who signed it: see `anlan.formats.cap.trust`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
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
from anlan.formats.cap.signed_reference import DS, SHA1, decoded, signatures_of

METHODS = frozenset(method for method in SignatureMethod if not method.name.startswith("HMAC"))
#: RSA below this, in bits, and elliptic curves below the other are weak (NIST SP 800-131A)
_RSA, _EC = 2048, 224

#: certificates looked at in one signature
_MOST_CERTIFICATES = 8


def is_known(method: str) -> bool:
    """True for a signature method with a public key that can be checked here."""
    try:
        return SignatureMethod(method) in METHODS
    except InvalidInput:
        return False


def weaknesses(method: str, digest: str) -> tuple[str, ...]:
    """What of the algorithms is too weak to prove anything today (NIST SP 800-131A)."""
    found = []
    if digest == SHA1:
        found.append("sha1 digest")
    if "sha1" in method:
        found.append("sha1 signature")
    if "dsa-sha" in method and "ecdsa" not in method:
        found.append("DSA")
    return tuple(found)


def described(certificate: x509.Certificate, weak_already: Sequence[str]) -> dict[str, Any]:
    """Subject, issuer, dates and fingerprint of a certificate, and what is weak with its key."""
    weak = list(weak_already)
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


def certificates_in(signature: Any) -> list[x509.Certificate]:
    """The certificates that stand in a signature, those that cannot be read left out."""
    found = []
    path = f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate"
    for node in signature.findall(path)[:_MOST_CERTIFICATES]:
        try:
            certificate = x509.load_der_x509_certificate(decoded(node.text or ""))
            # its parts are read when they are asked for, and may then turn out to be none
            _ = certificate.subject, certificate.issuer
            _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            found.append(certificate)
        except (ValueError, UnsupportedAlgorithm):
            continue
    return found


def holds(fresh: Callable[[bool], Any], place: int, certificate: x509.Certificate | None) -> bool | None:
    """Whether the signature value fits SignedInfo under that certificate's key (under the bare key of
    the signature without one); None where there is no key for it. Looked at as it stands and with
    blanks taken out."""
    found: list[bool | None] = []
    for close in (False, True):
        root = fresh(close)
        signature = signatures_of(root)[place]
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
        signature_methods=METHODS,
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
    except (InvalidSignature, etree.XMLSyntaxError):
        # what no parser reads back once it is written alone was never signed like that
        return False
    except (
        InvalidInput, UnsupportedAlgorithm, ValueError, KeyError, TypeError, AttributeError, etree.C14NError
    ):  # fmt: skip
        return None
    return True


def _name(name: x509.Name) -> str:
    try:
        return name.rfc4514_string()
    except ValueError:
        return "(a name that cannot be read)"


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
