"""Does an enveloped XML signature (CAP 1.2, section 3.3.4.1) fit the message that it stands in?

What is looked at is integrity: the digest that the signature gives must be that of the message without
the signature (XML Signature, sections 3.2.1 and 6.6.4). Who signed is not looked at: without a list of
trusted keys a certificate proves nothing, so a message whose digest fits is worth as much as an unsigned
one, and one whose digest does not fit was changed after it was signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from lxml import etree

from anlan.formats.cap.schema import XMLDSIG
from anlan.formats.cap.secure import parse
from anlan.model.errors import BadInput

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
    _EXCLUSIVE: (True, False),
    f"{_EXCLUSIVE}WithComments": (True, True),
}
_DIGESTS = {
    f"{XMLDSIG}sha1": hashlib.sha1,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
}


#: a sender and those who relay; each signature costs several looks at the whole message
_MOST = 4


class BrokenSignature(BadInput):
    """A message that is not the one that was signed."""

    reason_code = "signature_broken"


def check_signature(raw: bytes, where: str = "") -> bool:
    """False for a message without a signature, and for one whose algorithms are not known here (it counts
    as unsigned); True where the digest of each signature fits. BrokenSignature: the message was changed, a
    signature does not cover it, or stands there twice.

    Relays add a signature of their own behind the sender's, over the message with it or without it: each
    is looked at alone, with itself taken out and with all of them."""
    root = parse(raw, where, whole=True)
    number = len(_signatures(root))
    if not number:
        return False
    if number > _MOST:
        raise BrokenSignature(
            "too many signatures", where=where, found=str(number), expected=f"at most {_MOST}"
        )
    told = [(one.findtext(f"{_DS}SignatureValue") or "").split() for one in _signatures(root)]
    if any(value in told[:place] for place, value in enumerate(told)):
        raise BrokenSignature(
            "the same signature twice", where=where, found=f"{number} signatures", expected="each once"
        )

    # taking a signature out changes the tree, so every look has a fresh one
    def fresh(close: bool) -> Any:
        return parse(raw, where, whole=True, blanks=not close)

    fits = [_fits(fresh, place, where) for place in range(number)]
    return all(fits)


def _signatures(root: Any) -> list[Any]:
    return [child for child in root if child.tag == f"{_DS}Signature"]


def _fits(fresh: Callable[[bool], Any], place: int, where: str) -> bool:
    """True where the digest of the signature at that place fits, False where it cannot be worked out;
    BrokenSignature."""
    signature = _signatures(fresh(False))[place]
    references = signature.findall(f"{_DS}SignedInfo/{_DS}Reference")
    covering = [reference for reference in references if not reference.get("URI")]
    if len(covering) != 1:
        found = ", ".join(reference.get("URI") or "the whole message" for reference in references)
        raise BrokenSignature(
            "the signature does not cover the message",
            where=where,
            found=found or "no reference",
            expected='one reference to the whole message (URI="")',
        )
    steps = [step.get("Algorithm") for step in covering[0].iterfind(f"{_DS}Transforms/{_DS}Transform")]
    method = covering[0].find(f"{_DS}DigestMethod")
    make = None if method is None else _DIGESTS.get(method.get("Algorithm") or "")
    known = {_ENVELOPED, *_C14N}
    if make is None or _ENVELOPED not in steps or not known.issuperset(steps) or _prefixes(covering[0]):
        return False
    told = (covering[0].findtext(f"{_DS}DigestValue") or "").strip()
    exclusive, comments = _C14N[next((step for step in steps if step in _C14N), _INCLUSIVE)]
    digest = b""
    # blanks between elements say nothing in CAP, and some programs indent a message that is signed
    for alone, close in ((True, False), (False, False), (True, True), (False, True)):
        root = fresh(close)
        for number, one in enumerate(_signatures(root)):
            if number == place or not alone:
                _take_out(one)
        # Some programs sign the element, without what stands before and behind it in the document, or
        # name the one canonical form and use the other; they differ in namespaces that nothing uses.
        for part in (root.getroottree(), root):
            for form in (exclusive, not exclusive):
                signed = etree.tostring(part, method="c14n", exclusive=form, with_comments=comments)
                digest = make(signed).digest()
                if hmac.compare_digest(digest, _decoded(told)):
                    return True
    raise BrokenSignature(
        "the message is not the one that was signed",
        where=where,
        found=f"digest {base64.b64encode(digest).decode()}",
        expected=told[:100],
    )


def _prefixes(reference: Any) -> bool:
    """Exclusive canonical XML may name prefixes to treat as the inclusive one does: not done here."""
    return next(reference.iter(f"{{{_EXCLUSIVE}}}InclusiveNamespaces"), None) is not None


def _take_out(signature: Any) -> None:
    """The element out of its parent; the text behind it stays."""
    parent, before = signature.getparent(), signature.getprevious()
    if signature.tail:
        if before is None:
            parent.text = (parent.text or "") + signature.tail
        else:
            before.tail = (before.tail or "") + signature.tail
    parent.remove(signature)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
