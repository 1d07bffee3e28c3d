"""Keys and certificates made for a test: authorities, signers under them, and what they sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from anlan.formats.cap.signing import SigningKey, load_key

FROM = datetime(2020, 1, 1, tzinfo=UTC)
TO = datetime(2030, 1, 1, tzinfo=UTC)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def key_of(name: str, kind: str = "rsa", bits: int = 2048) -> Key:
    """One key a name, made once: RSA keys take a while."""
    del name
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Signer:
    name: str
    key: Key
    certificate: x509.Certificate

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def signing(self, *chain: Signer) -> SigningKey:
        pems = self.pem + b"".join(one.pem for one in chain)
        return load_key(self.name, self.key_pem, pems)


def signer(
    name: str,
    *,
    by: Signer | None = None,
    ca: bool = False,
    since: datetime = FROM,
    until: datetime = TO,
    kind: str = "rsa",
    bits: int = 2048,
    key: str = "",
) -> Signer:
    """A signer of that common name, self-issued or issued by another; `key` shares one key by name."""
    private = key_of(key or name, kind, bits)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    issuing = by.key if by else private
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), critical=False
    )
    if ca:
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False
        )
    return Signer(name, private, builder.sign(issuing, hashes.SHA256()))
