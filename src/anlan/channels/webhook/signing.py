"""Signatures as the Standard Webhooks specification (1.0) has them, so that every receiver's library fits.

`webhook-signature` is a list divided by blanks, one entry `v1,<base64>` for each key: the HMAC-SHA256
over `<webhook-id>.<webhook-timestamp>.<body>`. With two keys (one new, one that goes) a receiver may
change its own between them, and no message is lost.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from anlan.model.errors import InvalidValue

PREFIX = "whsec_"
#: the specification asks for 24 to 64 bytes
LEAST = 24


def key(secret: str, where: str) -> bytes:
    """The key of a secret: `whsec_` and base64 as the specification writes it, any other text as its
    UTF-8 bytes. InvalidValue, without the secret, for one that is too short or no base64."""
    try:
        raw = (
            base64.b64decode(secret.removeprefix(PREFIX), validate=True)
            if secret.startswith(PREFIX)
            else secret.encode()
        )
    except binascii.Error as error:
        raise InvalidValue("the secret is not base64 after whsec_", where=where) from error
    if len(raw) < LEAST:
        raise InvalidValue(
            "the secret is too short",
            where=where,
            found=f"{len(raw)} bytes",
            expected=f"at least {LEAST}",
            mend="make one with: openssl rand -base64 32, and write whsec_ before it",
        )
    return raw


def sign(keys: Sequence[bytes], id: str, stamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one entry a key, the current key's first."""
    signed = f"{id}.{stamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.new(one, signed, hashlib.sha256).digest()).decode() for one in keys
    )
