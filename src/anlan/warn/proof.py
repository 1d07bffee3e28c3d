"""What a message carries so that its recipient can answer without an account: a token, and a short code.

A token names one delivery and one purpose, and is signed with the workspace's own key (HMAC-SHA256): who
holds it has seen the message. It is used up by the answer it gives, not by looking at its page, and nothing
follows from a GET. The code is for replies by SMS: six letters and digits, good only from the recipient's own
number, of those deliveries that wait for an answer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import pairwise

from anlan.model.delivery import Delivery

ANSWER, RECEIPT = "answer", "receipt"
PURPOSES = (ANSWER, RECEIPT)
#: bytes of the signature that a token keeps: 128 bits
_KEPT = 16
#: without I, L, O, U, 0 and 1, which are misread or misheard
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_LENGTH = 6
#: as people write it: digits, with a plus before and signs between them
_TELEPHONE = re.compile(r"\+?[\d\s()./-]{3,}")
_WORD = re.compile(r"[A-Z0-9]+")


def token(key: bytes, purpose: str, delivery: str) -> str:
    """The token of a delivery for a purpose, fit for a path."""
    signed = f"{purpose}:{delivery}".encode()
    return base64.urlsafe_b64encode(signed + _mac(key, signed)).rstrip(b"=").decode()


def read_token(key: bytes, text: str) -> tuple[str, str] | None:
    """(purpose, delivery) of a token; None for one that this workspace did not make."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    signed, mac = raw[:-_KEPT], raw[-_KEPT:]
    if not hmac.compare_digest(mac, _mac(key, signed)):
        return None
    purpose, _, delivery = signed.decode("utf-8", "replace").partition(":")
    return (purpose, delivery) if purpose in PURPOSES and delivery else None


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, b"anlan token " + signed, hashlib.sha256).digest()[:_KEPT]


def code(key: bytes, delivery: str) -> str:
    """What a reply by SMS names the delivery by."""
    number = int.from_bytes(hmac.new(key, b"anlan code " + delivery.encode(), hashlib.sha256).digest()[:8])
    letters = []
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)


def replied(
    key: bytes, sender: str, text: str, waiting: Iterable[Delivery], addresses: Mapping[str, str]
) -> Delivery | None:
    """The delivery that a reply answers: one whose code stands in `text` and whose recipient's number is
    `sender`. `addresses`: recipient -> number. None where nothing fits. The code may be written in small
    letters, in full-width ones, as Chinese keyboards have them, and in two parts."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).upper())
    said = {*words, *(one + next for one, next in pairwise(words))}
    number = digits(sender)
    for delivery in waiting:
        known = digits(addresses.get(delivery.recipient, ""))
        if known and number and known == number and code(key, delivery.id) in said:
            return delivery
    return None


def is_number(address: str) -> bool:
    """Whether an address is a telephone number, and not the name of a service."""
    return bool(_TELEPHONE.fullmatch(address.strip()))


def digits(number: str) -> str:
    """A telephone number as its digits alone, without the international prefix's zeros."""
    return re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", number)).lstrip("0")
