"""Short secrets sealed at rest, with a key that lies apart from what it seals.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; the owner's name is bound to it as associated
data, so that a sealed secret moved to another row does not open. The key comes from at least 256 bits of
text by HKDF-SHA-256 (RFC 5869). A sealed secret names its key by eight hexadecimal digits that tell nothing
about it, so that a wrong key is told from a damaged row, and keys can be changed one after the other.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from anlan.model.errors import InvalidValue, StoreUnavailable

#: what a sealed secret begins with; base 32 and base 64 have no such sign
MARK = "sealed:1:"
#: characters of a key as it is written: 32 random bytes in base 64 have 43
SHORTEST_KEY = 43
_NONCE = 12


def new_key() -> str:
    """256 random bits, as the settings' key is written."""
    return secrets.token_urlsafe(32)


class Seal:
    """Seals with the first of `keys`, opens with any of them. InvalidValue for a key that is too short to be
    random, never with the key in its words. Without keys nothing is sealed, and what is sealed stays shut."""

    def __init__(self, keys: Sequence[str] = (), where: str = "second_factor_keys") -> None:
        self._where = where
        self._ciphers: dict[str, AESGCM] = {}
        for place, key in enumerate(keys):
            if len(key) < SHORTEST_KEY:
                raise InvalidValue(
                    "too short for a key",
                    where=f"{where}[{place}]",
                    found=f"{len(key)} characters",
                    expected=f"{SHORTEST_KEY} random ones, as `anlan account sealing-key` makes them",
                )
            self._ciphers.setdefault(_derived(key, b"name", 4).hex(), AESGCM(_derived(key, b"cipher", 32)))
        self._first = next(iter(self._ciphers), None)

    @property
    def keyed(self) -> bool:
        """Whether there is a key to seal with."""
        return self._first is not None

    def close(self, name: str, secret: str) -> str:
        """The secret of `name` as it is kept: sealed, or as it is where there is no key."""
        if self._first is None:
            return secret
        nonce = secrets.token_bytes(_NONCE)
        shut = self._ciphers[self._first].encrypt(nonce, secret.encode(), name.encode())
        return f"{MARK}{self._first}:{base64.urlsafe_b64encode(nonce + shut).decode()}"

    def open(self, name: str, kept: str) -> str:
        """The secret of `name`. StoreUnavailable where its key is not among the keys, or where the row was
        changed."""
        if not kept.startswith(MARK):
            return kept
        key, _, body = kept.removeprefix(MARK).partition(":")
        cipher = self._ciphers.get(key)
        if cipher is None:
            raise StoreUnavailable(
                "the secret of the authenticator is sealed with another key",
                where=f"account {name}",
                found=f"sealed with key {key}; {self._where}: {', '.join(self._ciphers) or 'none'}",
                expected=f"key {key} among them",
                mend="give that key, or set up a new authenticator",
            )
        try:
            raw = base64.urlsafe_b64decode(body)
            return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], name.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise StoreUnavailable(
                "the secret of the authenticator was changed where it is kept",
                where=f"account {name}",
                found=f"a row that key {key} does not open",
                mend="restore accounts.sqlite from a backup, or set up a new authenticator",
            ) from error

    def current(self, kept: str) -> bool:
        """Whether a kept secret is as `close` would keep it now; one that is sealed needs no change where
        there is no key."""
        if self._first is None:
            return True
        return kept.startswith(f"{MARK}{self._first}:")


def _derived(key: str, use: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, None, b"anlan second factor " + use).derive(key.encode())
