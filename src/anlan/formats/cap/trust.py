"""Whose signature counts for whom: certificates bound to senders, each for a span of time.

A certificate inside a message proves nothing by itself. An anchor says that messages of one sender are
signed with one certificate, or with a certificate of one name that one authority issued.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from cryptography import x509
from cryptography.x509 import verification

from anlan.model.errors import InvalidValue, Unreadable


@dataclass(frozen=True, slots=True)
class Anchor:
    """`sender` as in the message, letter for letter. `certificate`: the signer's own, or that of an
    authority; then `subject` is the name that a signer's certificate must bear (its common name, or one
    of its alternative names): an authority issues to many. In force from `since` up to `until`."""

    sender: str
    certificate: x509.Certificate
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """In force at that instant."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    @property
    def authority(self) -> bool:
        return bool(self.subject)


@dataclass(frozen=True, slots=True)
class Trust:
    """Every anchor; without any nobody is authenticated."""

    anchors: tuple[Anchor, ...] = ()

    def of(self, sender: str, at: datetime) -> Sequence[Anchor]:
        """The anchors of a sender in force at that instant."""
        return [anchor for anchor in self.anchors if anchor.sender == sender and anchor.holds(at)]

    def knows(self, sender: str) -> bool:
        """True where a sender has anchors, in force or not."""
        return any(anchor.sender == sender for anchor in self.anchors)


def read_trust(raw: bytes, load: Callable[[str], bytes], where: str = "") -> Trust:
    """A file of anchors:

        [[anchor]]
        sender = "warnings@met.example"
        certificate = "met.pem"
        from = 2026-01-01
        to = 2027-01-01

    `certificate` is read by `load`. Unreadable or InvalidValue names the anchor and the key."""
    try:
        document = tomllib.loads(raw.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unreadable(f"cannot be read as TOML: {error}", where=where) from error
    unknown = set(document) - {"anchor"}
    tables = document.get("anchor", [])
    if unknown or not isinstance(tables, list):
        raise InvalidValue(
            "not a file of anchors", where=where, found=", ".join(sorted(unknown)), expected="[[anchor]]"
        )
    return Trust(tuple(_anchor(table, load, f"{where} anchor {n}") for n, table in enumerate(tables, 1)))


def _anchor(table: Any, load: Callable[[str], bytes], where: str) -> Anchor:
    keys = {"sender", "certificate", "subject", "from", "to"}
    if not isinstance(table, dict) or set(table) - keys:
        raise InvalidValue(
            "no such key", where=where, found=str(sorted(set(table) - keys)), expected=", ".join(sorted(keys))
        )
    for name in ("sender", "certificate"):
        if not isinstance(table.get(name), str) or not table[name].strip():
            raise InvalidValue("must be given", where=f"{where}.{name}", found="nothing", expected="a text")
    certificate = read_certificates(load(table["certificate"]), f"{where}.certificate")[0]
    subject = str(table.get("subject", ""))
    if is_authority(certificate) and not subject and not self_issued(certificate):
        raise InvalidValue(
            "an authority issues to many: name the one that counts",
            where=f"{where}.subject",
            found="nothing",
            expected="the common name or alternative name of the signer's certificate",
        )
    return Anchor(
        table["sender"], certificate, subject, _instant(table, "from", where), _instant(table, "to", where)
    )


def _instant(table: dict[str, Any], name: str, where: str) -> datetime | None:
    value = table.get(name)
    if value is None:
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise InvalidValue(
        "not a date", where=f"{where}.{name}", found=str(value), expected="a date, or an instant with offset"
    )


def read_certificates(raw: bytes, where: str = "") -> list[x509.Certificate]:
    """The certificates of a PEM or DER file, at least one; Unreadable."""
    try:
        if b"-----BEGIN" in raw:
            found = x509.load_pem_x509_certificates(raw)
        else:
            found = [x509.load_der_x509_certificate(raw)]
    except ValueError as error:
        raise Unreadable("not a certificate", where=where, found=str(error), expected="PEM or DER") from error
    return found


def is_authority(certificate: x509.Certificate) -> bool:
    """True where the certificate may issue others (RFC 5280, section 4.2.1.9)."""
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def self_issued(certificate: x509.Certificate) -> bool:
    """Subject and issuer are one."""
    return certificate.subject == certificate.issuer


def names_of(certificate: x509.Certificate) -> list[str]:
    """The common names and the alternative names of a certificate's subject."""
    names = [
        str(attribute.value)
        for attribute in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    ]
    try:
        told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return names
    for kind in (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier):
        names += [str(name) for name in told.get_values_for_type(kind)]
    return names


def issued_under(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], anchor: Anchor, at: datetime
) -> str:
    """Why `leaf` does not count as issued under an authority's anchor at that instant; "" where it does
    (path validation of RFC 5280 over the certificates that the signature brings along)."""
    names = list(dict.fromkeys(names_of(leaf)))
    if anchor.subject not in names:
        return f"its name is {', '.join(names) or 'empty'}, not {anchor.subject}"
    every = verification.ExtensionPolicy.permit_all()
    issuing = every.require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, _may_issue)
    try:
        verifier = (
            verification.PolicyBuilder()
            .store(verification.Store([anchor.certificate]))
            .time(at)
            .extension_policies(ee_policy=every, ca_policy=issuing)
            .build_client_verifier()
        )
        verifier.verify(leaf, [other for other in others if other != leaf])
    except (verification.VerificationError, ValueError) as error:
        return f"no path to the anchor: {str(error)[:200]}"
    return ""


def _may_issue(policy: object, certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    del policy, certificate
    if not constraints.ca:
        raise ValueError("a certificate in the path may not issue others")
