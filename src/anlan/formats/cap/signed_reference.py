"""What an XML signature covers, and whether it is still that (XML Signature, section 3.2.1, reference
validation).

The digest is worked out here, because what issuers sign and what they publish differ in blanks, in the
declaration before the element and in the signatures of relays: a message is told to be whole in such a
form, by name.
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

DS = f"{{{XMLDSIG}}}"
ENVELOPED = f"{XMLDSIG}enveloped-signature"
SHA1 = f"{XMLDSIG}sha1"
_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
#: algorithm -> (exclusive, with comments)
C14N = {
    _INCLUSIVE: (False, False),
    f"{_INCLUSIVE}#WithComments": (False, True),
    # of a whole document the two versions are the same
    "http://www.w3.org/2006/12/xml-c14n11": (False, False),
    "http://www.w3.org/2006/12/xml-c14n11#WithComments": (False, True),
    _EXCLUSIVE: (True, False),
    f"{_EXCLUSIVE}WithComments": (True, True),
}
DIGESTS: dict[str, Callable[[bytes], Any]] = {
    SHA1: hashlib.sha1,
    "http://www.w3.org/2001/04/xmldsig-more#sha224": hashlib.sha224,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
    **{
        f"http://www.w3.org/2007/05/xmldsig-more#sha3-{bits}": getattr(hashlib, f"sha3_{bits}")
        for bits in (224, 256, 384, 512)
    },
}


def signatures_of(root: Any) -> list[Any]:
    """The enveloped signatures of a message, in document order."""
    return [child for child in root if child.tag == f"{DS}Signature"]


def inside(signature: Any, reference: Any) -> bool:
    """A reference to a part of this signature (as XAdES has them), and to nothing else."""
    uri = reference.get("URI")
    if not uri.startswith("#") or "(" in uri:
        return False
    named = [
        node
        for node in signature.getroottree().getroot().iter(etree.Element)
        if any(node.get(name) == uri[1:] for name in ("Id", "ID", "id"))
    ]
    return len(named) == 1 and signature in named[0].iterancestors()


def own_part_fits(signature: Any, reference: Any) -> bool:
    """True where a part of the signature itself is what was signed."""
    make = DIGESTS.get(algorithm(reference, "DigestMethod"))
    part = next(
        (
            node
            for node in signature.iter(etree.Element)
            if any(node.get(name) == reference.get("URI")[1:] for name in ("Id", "ID", "id"))
        ),
        None,
    )
    if make is None or part is None:
        return False
    form = next((step for step in steps_of(reference) if step in C14N), _INCLUSIVE)
    exclusive, comments = C14N[form]
    exact = _canonical(part, exclusive=exclusive, with_comments=comments, with_tail=False)
    return exact is not None and hmac.compare_digest(make(exact).digest(), decoded(_digest_value(reference)))


def _canonical(part: Any, **form: Any) -> bytes | None:
    """None where a part has no canonical form, such as one with a relative name of a namespace."""
    try:
        exact: bytes = etree.tostring(part, method="c14n", **form)
    except etree.C14NError:
        return None
    return exact


def form_of(fresh: Callable[[bool], Any], place: int, signature: Any, reference: Any, digest: str) -> str:
    """In which form of the message the digest fits ("as it stands", or what had to be taken out first); ""
    in none. `fresh` gives the message as it was parsed, True without blanks between elements."""
    make = DIGESTS[digest]
    told = decoded(_digest_value(reference))
    step = next((step for step in steps_of(reference) if step in C14N), _INCLUSIVE)
    exclusive, comments = C14N[step]
    prefixes = _prefixes(reference)
    several = len(signatures_of(signature.getparent())) > 1
    # blanks between elements say nothing in CAP, and some programs indent a message that is signed
    for alone, close in ((True, False), (False, False), (True, True), (False, True)):
        if not alone and not several:
            continue
        root = fresh(close)
        for number, one in enumerate(signatures_of(root)):
            if number == place or not alone:
                _take_out(one)
        # Some programs sign the element, without what stands before and behind it in the document, or
        # name the one canonical form and use the other; they differ in namespaces that nothing uses.
        for part in (root.getroottree(), root):
            for other in (False, True):
                use = exclusive is not other
                signed = _canonical(
                    part,
                    exclusive=use,
                    with_comments=comments,
                    inclusive_ns_prefixes=prefixes if use else None,
                )
                if signed is not None and hmac.compare_digest(make(signed).digest(), told):
                    return _form_name(not alone, close, other)
    return ""


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


def algorithm(node: Any, name: str) -> str:
    found = node.find(f"{DS}{name}")
    return "" if found is None else found.get("Algorithm") or ""


def steps_of(reference: Any) -> list[str]:
    return [step.get("Algorithm") or "" for step in reference.iterfind(f"{DS}Transforms/{DS}Transform")]


def _digest_value(reference: Any) -> str:
    return reference.findtext(f"{DS}DigestValue") or ""


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


def decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
