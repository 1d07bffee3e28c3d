"""What a signature proves: whole or changed, by whom, and for which sender. Forgeries of each kind."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from anlan.formats.cap import signature_value
from anlan.formats.cap.container import open_bytes
from anlan.formats.cap.examine import examine
from anlan.formats.cap.schema import XMLDSIG
from anlan.formats.cap.signature import Verdict, verify
from anlan.formats.cap.signing import KeyRing, load_key, sign
from anlan.formats.cap.trust import Anchor, Trust, read_trust
from anlan.model.errors import InvalidValue, Unreadable
from signers import FROM, Signer, signer

AT = datetime(2026, 6, 1, tzinfo=UTC)
SENDER = "met@issuer.invalid"
RAW = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">\n'
    f"  <identifier>m1</identifier>\n  <sender>{SENDER}</sender>\n"
    "  <sent>2026-06-01T00:00:00-00:00</sent>\n  <status>Actual</status>\n"
    "  <msgType>Alert</msgType>\n  <scope>Public</scope>\n  <note>暴雨</note>\n</alert>\n"
).encode()

MET = signer("met.issuer.invalid")
OTHER = signer("other.invalid")
ROOT = signer("root", ca=True)
MIDDLE = signer("middle", ca=True, by=ROOT)
LEAF = signer("leaf.issuer.invalid", by=MIDDLE, kind="ec")


def trusting(*anchors: Anchor) -> Trust:
    return Trust(anchors)


OWN = trusting(Anchor(SENDER, MET.certificate))


def verdict(raw: bytes, trust: Trust = OWN, at: datetime = AT) -> Verdict:
    return verify(raw, SENDER, trust, at=at)


def signed(by: Signer = MET, *chain: Signer, raw: bytes = RAW) -> bytes:
    return sign(raw, by.signing(*chain))


def says(found: Verdict) -> tuple[str, str]:
    return found.verdict, found.code


def test_a_message_signed_by_its_senders_key_is_authenticated_and_says_by_which() -> None:
    found = verdict(signed())
    assert says(found) == ("authenticated", "signature_authenticated")
    (one,) = found.signatures
    assert (one.key_name, one.form, one.weak) == ("met.issuer.invalid", "as it stands", ())
    assert one.signer == "CN=met.issuer.invalid"


def test_signing_adds_the_signature_and_touches_no_other_byte() -> None:
    done = signed()
    start, end = done.index(b"<ds:Signature"), done.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    assert done[:start] + done[end:] == RAW
    assert signed() == done, "an RSA signature is the same each time"


def test_a_signed_message_is_valid_by_the_schema_of_cap(shared) -> None:  # type: ignore[no-untyped-def]
    schema = etree.XMLSchema(etree.parse(shared / "reference" / "cap" / "CAP-v1.2.xsd"))
    assert schema.validate(etree.fromstring(signed()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Actual", b"Test"),
        ("暴雨".encode(), "晴".encode()),
        (b"<note>", b"<note> "),
        (b"<status>", b"<!-- --><status>"),
    ],
)
def test_any_change_is_seen(old: bytes, new: bytes) -> None:
    found = verdict(signed().replace(old, new, 1))
    # a comment is no part of the form that is signed
    assert found.verdict == ("authenticated" if b"<!--" in new else "broken")


@pytest.mark.parametrize("inside", [b"<ds:SignedInfo", b"<ds:Signature ", b"<note"])
def test_a_part_without_a_canonical_form_proves_nothing(inside: bytes) -> None:
    # a namespace with a relative name has none (Canonical XML 1.0, section 1.3)
    made = signed()
    assert inside in made
    found = verdict(made.replace(inside, inside.rstrip() + b' xmlns:r="a/b" ', 1))
    assert found.verdict == "broken"


def test_blanks_that_a_relay_put_in_or_took_out_are_told_and_forgiven() -> None:
    stripped = re.sub(rb">\s+<", b"><", RAW)
    indented = signed(raw=stripped).replace(b"><", b">\n <")
    found = verdict(indented)
    assert found.verdict == "authenticated"
    assert found.signatures[0].form == "blanks between elements taken out"


def test_a_certificate_inside_the_message_is_never_trusted_for_itself() -> None:
    assert says(verdict(signed(OTHER))) == ("integrity_only", "other_key")
    assert says(verdict(signed(OTHER), Trust())) == ("integrity_only", "no_anchor")


def test_an_anchor_of_one_sender_counts_for_no_other() -> None:
    foreign = trusting(Anchor("other@x.invalid", MET.certificate), Anchor(SENDER, OTHER.certificate))
    assert says(verdict(signed(), foreign)) == ("integrity_only", "other_key")


def test_an_authority_counts_for_the_named_signer_only() -> None:
    raw = signed(LEAF, MIDDLE)
    assert verdict(raw, trusting(Anchor(SENDER, ROOT.certificate, "leaf.issuer.invalid"))).verdict == (
        "authenticated"
    )
    named = verdict(raw, trusting(Anchor(SENDER, ROOT.certificate, "someone.invalid")))
    assert says(named) == ("integrity_only", "other_key") and "not someone.invalid" in named.sentence
    # the one in between was left out of the signature
    assert verdict(signed(LEAF), trusting(Anchor(SENDER, ROOT.certificate, LEAF.name))).verdict == (
        "integrity_only"
    )


def test_a_signer_that_may_not_issue_makes_nobody_trusted() -> None:
    forged = signer("leaf.issuer.invalid", by=MET, key="forged")
    under = trusting(Anchor(SENDER, ROOT.certificate, "leaf.issuer.invalid"))
    assert verdict(sign(RAW, forged.signing(MET)), under).verdict == "integrity_only"


@pytest.mark.parametrize("days", [-1, 31])
def test_a_certificate_out_of_its_time_authenticates_nothing(days: int) -> None:
    brief = signer("brief", since=AT, until=AT + timedelta(days=30), key="met.issuer.invalid")
    raw = sign(RAW, brief.signing())
    trust = trusting(Anchor(SENDER, brief.certificate))
    assert verdict(raw, trust, AT + timedelta(days=1)).verdict == "authenticated"
    assert says(verdict(raw, trust, AT + timedelta(days=days))) == (
        "integrity_only",
        "certificate_not_valid",
    )


def test_an_anchor_out_of_its_span_counts_no_more() -> None:
    retired = trusting(Anchor(SENDER, MET.certificate, until=AT))
    assert says(verdict(signed(), retired)) == ("integrity_only", "other_key")
    assert verdict(signed(), retired, AT - timedelta(days=1)).verdict == "authenticated"


def resigned(raw: bytes, by: Signer, old: str, new: str) -> bytes:
    """The signature made anew by hand after a change inside SignedInfo."""
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    root = etree.fromstring(raw.replace(old.encode(), new.encode()))
    info = root.find(f"{{{XMLDSIG}}}Signature/{{{XMLDSIG}}}SignedInfo")
    exact = etree.tostring(info, method="c14n", exclusive=True, with_tail=False)
    key = by.key
    assert isinstance(key, rsa.RSAPrivateKey)
    weak = b"rsa-sha1" in exact
    value = key.sign(exact, padding.PKCS1v15(), SHA1() if weak else SHA256())
    node = root.find(f"{{{XMLDSIG}}}Signature/{{{XMLDSIG}}}SignatureValue")
    assert node is not None
    node.text = b64encode(value).decode()
    return etree.tostring(root)


def test_a_weak_algorithm_is_named_and_proves_no_sender() -> None:
    raw = resigned(signed(), MET, "2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")
    found = verdict(raw)
    assert says(found) == ("integrity_only", "weak_algorithm")
    assert "sha1 signature" in found.sentence and found.signatures[0].weak == ("sha1 signature",)
    small = signer("small", bits=1024)
    with pytest.raises(InvalidValue, match="1024 bits"):
        small.signing()


def test_an_algorithm_not_known_here_counts_as_no_signature() -> None:
    raw = resigned(signed(), MET, "xmlenc#sha256", "xmlenc#ripemd160")
    assert says(verdict(raw)) == ("unsigned", "signature_unknown")
    keyed = resigned(signed(), MET, "xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256")
    assert says(verdict(keyed)) == ("unsigned", "signature_unknown")


@pytest.mark.parametrize("uri", ["http://evil.invalid/m.xml", "file:///etc/passwd", "#m1", "#xpointer(/)"])
def test_a_signature_of_something_else_is_broken_and_nothing_is_fetched(uri: str) -> None:
    raw = resigned(signed(), MET, 'Reference URI=""', f'Reference URI="{uri}"')
    assert says(verdict(raw)) == ("broken", "signature_foreign_reference")


def test_a_second_reference_outside_the_message_is_refused() -> None:
    one = signed()
    start, end = one.index(b"<ds:Reference"), one.index(b"</ds:Reference>") + len(b"</ds:Reference>")
    more = one[start:end].replace(b'URI=""', b'URI="http://evil.invalid/"').decode()
    raw = resigned(one, MET, "</ds:SignedInfo>", more + "</ds:SignedInfo>")
    assert verdict(raw).code == "signature_foreign_reference"


def test_a_signature_of_thousands_of_references_is_not_worked_through() -> None:
    one = signed()
    start, end = one.index(b"<ds:Reference"), one.index(b"</ds:Reference>") + len(b"</ds:Reference>")
    many = one[:start] + one[start:end].replace(b'URI=""', b'URI="#x"') * 5_000 + one[start:]
    assert "5001 references" in verdict(many).sentence


def test_a_value_or_key_that_does_not_fit_is_broken_although_the_digest_fits() -> None:
    raw = signed()
    at = raw.index(b"<ds:SignatureValue>") + 30
    changed = raw[:at] + (b"A" if raw[at : at + 1] != b"A" else b"B") + raw[at + 1 :]
    assert says(verdict(changed)) == ("broken", "signature_broken")
    mine = signed()
    theirs = signed(OTHER)

    def info(one: bytes) -> bytes:
        return one[one.index(b"<ds:KeyInfo>") : one.index(b"</ds:KeyInfo>")]

    assert verdict(mine.replace(info(mine), info(theirs)), Trust()).verdict == "broken"
    # an anchor's key is used whatever the message brings along
    assert verdict(mine.replace(info(mine), info(theirs))).verdict == "authenticated"


def test_a_message_wrapped_around_a_signed_one_is_not_covered() -> None:
    inner = signed()
    outer = RAW.replace(b"Actual", b"Test")
    for place in ("<note>", "</alert>"):
        raw = outer.replace(place.encode(), inner[inner.index(b"<alert") :] + place.encode())
        assert verdict(raw).verdict == "broken", "a signature that stands deeper covers nothing"
    signature = inner[inner.index(b"<ds:Signature") : inner.index(b"</alert>")]
    hidden = signature.replace(
        b"</ds:Signature>", b"<ds:Object>" + inner[inner.index(b"<alert") :] + b"</ds:Object></ds:Signature>"
    )
    assert verdict(outer.replace(b"</alert>", hidden + b"</alert>")).verdict == "broken"


#: what an attacker who has a signed message can build from it, none of it covered by the signature: XML
#: signature wrapping (McIntosh and Austel 2005; the eight places of Somorovsky et al. 2012)
FORGED = RAW.replace("暴雨".encode(), b"forged")
INNER = signed()[signed().index(b"<alert") :].rstrip()
SIGNATURE = INNER[INNER.index(b"<ds:Signature") : INNER.index(b"</alert>")]
UNSIGNED = INNER.replace(SIGNATURE, b"")


def forged(old: str, new: bytes, raw: bytes = FORGED) -> bytes:
    assert old.encode() in raw
    return raw.replace(old.encode(), new, 1)


def within(place: str, what: bytes) -> bytes:
    """The signature with something more before the end tag of one of its parts."""
    return SIGNATURE.replace(f"</ds:{place}>".encode(), what + f"</ds:{place}>".encode())


WRAPPED = {
    "signed message in an Object": forged(
        "</alert>", within("Signature", b"<ds:Object>" + INNER + b"</ds:Object>") + b"</alert>"
    ),
    "its body in an Object": forged(
        "</alert>", within("Signature", b"<ds:Object>" + UNSIGNED + b"</ds:Object>") + b"</alert>"
    ),
    "signed message in KeyInfo": forged("</alert>", within("KeyInfo", INNER) + b"</alert>"),
    "signed message first": forged("<identifier>", INNER + b"<identifier>"),
    "signed message last": forged("</alert>", INNER + b"</alert>"),
    "its body beside the signature": forged("</alert>", SIGNATURE + UNSIGNED + b"</alert>"),
    "signed message in a stranger": forged(
        "</alert>", b'<x xmlns="urn:x">' + INNER + b"</x>" + SIGNATURE + b"</alert>"
    ),
    "both in a list": b"<alerts>" + INNER + FORGED[FORGED.index(b"<alert") :] + b"</alerts>",
    "its signature taken over": forged("</alert>", SIGNATURE + b"</alert>"),
    "signed anew beside the old one": forged("</alert>", SIGNATURE + b"</alert>", signed(OTHER, raw=FORGED)),
    "an empty signature": forged("</alert>", f'<Signature xmlns="{XMLDSIG}"/></alert>'.encode(), RAW),
    "two values": signed().replace(
        b"</ds:SignatureValue>", b"</ds:SignatureValue><ds:SignatureValue>AA==</ds:SignatureValue>"
    ),
    "two digests": signed().replace(
        b"<ds:DigestValue>", b"<ds:DigestValue>AA==</ds:DigestValue><ds:DigestValue>"
    ),
    "two of what is signed": signed().replace(b"<ds:SignedInfo>", b"<ds:SignedInfo/><ds:SignedInfo>"),
    "what is signed in an Object": signed()
    .replace(b"<ds:SignedInfo>", b"<ds:Object><ds:SignedInfo>")
    .replace(b"</ds:SignedInfo>", b"</ds:SignedInfo></ds:Object>"),
    "an instruction in a text": signed().replace("暴雨".encode(), "暴<?x y?>雨".encode()),
    "an attribute": signed().replace(b"<note>", b'<note xml:lang="x">'),
}


@pytest.mark.parametrize("how", WRAPPED)
def test_what_is_built_around_a_signed_message_is_broken(how: str) -> None:
    assert verdict(WRAPPED[how]).verdict == "broken"


def test_a_forgery_signed_by_another_is_whole_and_not_the_senders() -> None:
    assert says(verdict(signed(OTHER, raw=FORGED))) == ("integrity_only", "other_key")


SAME = {
    "comment in a text": ("暴雨", "暴<!-- -->雨"),
    "comment in the sender": ("met@issuer", "met@<!-- -->issuer"),
    "text as it stands": ("暴雨", "<![CDATA[暴雨]]>"),
    "character by number": ("暴", "&#x66B4;"),
    "namespace that nothing uses": ("<alert ", '<alert xmlns:zz="urn:z" '),
    "line ends of another system": ("\n", "\r\n"),
    "comment behind": ("</alert>\n", "</alert>\n<!-- x -->"),
}


@pytest.mark.parametrize("how", SAME)
def test_what_the_canonical_form_takes_for_the_same_is_whole_and_read_the_same(how: str) -> None:
    old, new = SAME[how]
    raw = signed().replace(old.encode(), new.encode())
    assert raw != signed() and verdict(raw).verdict == "authenticated"
    read_again = examine(raw)
    assert (read_again.sender, read_again.blocks["note"]) == (SENDER, ["暴雨"])


def test_a_sender_that_a_comment_cuts_in_two_is_read_whole() -> None:
    """A reader that stops at the comment takes the name before it, which an anchor may know."""
    other = RAW.replace(SENDER.encode(), f"{SENDER}.evil.invalid".encode())
    raw = signed(raw=other).replace(b".evil", b"<!-- -->.evil")
    assert examine(raw).sender == f"{SENDER}.evil.invalid"
    assert says(verify(raw, examine(raw).sender, OWN, at=AT)) == ("integrity_only", "no_anchor")


@pytest.mark.parametrize(
    "transform",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        f"{XMLDSIG}base64",
    ],
)
def test_a_transform_that_chooses_what_is_signed_is_never_run(transform: str) -> None:
    raw = resigned(
        signed(), MET, "</ds:Transforms>", f'<ds:Transform Algorithm="{transform}"/></ds:Transforms>'
    )
    found = verdict(raw)
    # there is a signature, and it is refused; one that only cannot be checked counts as none
    assert says(found) == ("broken", "signature_transform") and transform in found.sentence
    bare = resigned(signed(), MET, f"{XMLDSIG}enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#")
    assert says(verdict(bare)) == ("broken", "signature_transform")


def test_a_public_key_is_no_secret_of_a_message_code() -> None:
    """HMAC confusion: the certificate, which everybody has, taken for the secret."""
    raw = signed().replace(b"xmldsig-more#rsa-sha256", b"xmldsig-more#hmac-sha256")
    root = etree.fromstring(raw)
    info = root.find(f"{{{XMLDSIG}}}Signature/{{{XMLDSIG}}}SignedInfo")
    value = root.find(f"{{{XMLDSIG}}}Signature/{{{XMLDSIG}}}SignatureValue")
    exact = etree.tostring(info, method="c14n", exclusive=True, with_tail=False)
    assert value is not None
    value.text = b64encode(hmac.new(MET.pem, exact, "sha256").digest()).decode()
    assert says(verdict(etree.tostring(root))) == ("unsigned", "signature_unknown")


def test_a_digest_of_sha1_proves_no_sender() -> None:
    exact = etree.tostring(etree.fromstring(RAW), method="c14n", exclusive=True)
    raw = signed().replace(b"http://www.w3.org/2001/04/xmlenc#sha256", f"{XMLDSIG}sha1".encode())
    old = raw[raw.index(b"<ds:DigestValue>") + 16 : raw.index(b"</ds:DigestValue>")].decode()
    found = verdict(resigned(raw, MET, old, b64encode(hashlib.sha1(exact).digest()).decode()))
    assert says(found) == ("integrity_only", "weak_algorithm") and "sha1 digest" in found.sentence


def test_a_key_that_stands_elsewhere_is_not_fetched() -> None:
    start, end = SIGNATURE.index(b"<ds:X509Data>"), SIGNATURE.index(b"</ds:KeyInfo>")
    away = b'<ds:RetrievalMethod URI="http://evil.invalid/key"/>'
    raw = signed().replace(SIGNATURE[start:end], away)
    assert says(verdict(raw, Trust())) == ("unsigned", "signature_without_key")
    assert verdict(raw).verdict == "authenticated", "the anchor's own key is all that is needed"


def test_a_relay_signs_behind_the_sender_and_each_is_looked_at_alone() -> None:
    both = sign(signed(), OTHER.signing())
    found = verdict(both)
    assert found.verdict == "authenticated"
    assert [one.form for one in found.signatures] == ["other signatures taken out", "as it stands"]
    at = both.rindex(b"<ds:DigestValue>") + 20
    other = b"B" if both[at : at + 1] == b"A" else b"A"
    assert verdict(both[:at] + other + both[at + 1 :]).verdict == "broken"


def test_the_same_signature_twice_and_too_many_are_broken() -> None:
    one = signed()
    signature = one[one.index(b"<ds:Signature") : one.index(b"</alert>")]
    assert verdict(one.replace(b"</alert>", signature + b"</alert>")).code == "signature_twice"
    many = b"".join(
        signature.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>A%d" % n) for n in range(9)
    )
    assert "at most" in verdict(RAW.replace(b"</alert>", many + b"</alert>")).sentence


def test_a_signature_still_fits_a_message_taken_out_of_a_feed() -> None:
    body = signed()[len('<?xml version="1.0" encoding="UTF-8"?>\n') :]
    feed = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><content>' + body + b"</content></entry></feed>"
    (item,) = open_bytes(feed, "feed")
    assert verdict(item.raw).verdict == "authenticated"


def test_keys_follow_each_other_and_the_newest_in_use_signs() -> None:
    first = load_key("2025", MET.key_pem, MET.pem, until=AT)
    second = load_key("2026", OTHER.key_pem, OTHER.pem, since=AT - timedelta(days=7))
    ring = KeyRing((first, second))
    spans = [(AT - timedelta(days=8), "2025"), (AT - timedelta(days=1), "2026"), (AT, "2026")]
    for at, id in spans:
        key = ring.at(at)
        assert key is not None and key.id == id
    assert ring.at(FROM - timedelta(days=1)) is None


def test_a_key_that_is_not_its_certificates_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidValue, match="not that of the certificate"):
        load_key("k", MET.key_pem, OTHER.pem)
    with pytest.raises(Unreadable) as caught:
        load_key("k", b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", MET.pem)
    assert "c2VjcmV0" not in str(caught.value)


def test_a_file_of_anchors_is_read_and_its_faults_are_named() -> None:
    files = {"met.pem": MET.pem, "root.pem": MIDDLE.pem}
    text = f'[[anchor]]\nsender = "{SENDER}"\ncertificate = "met.pem"\nfrom = 2026-01-01\nto = 2027-01-01\n'
    trust = read_trust(text.encode(), files.__getitem__, "trust.toml")
    assert verdict(signed(), trust).verdict == "authenticated"
    for bad, told in (
        (text.replace("sender", "sendr"), "no such key"),
        (text.replace('"met.pem"', '"root.pem"'), "name the one that counts"),
        (text.replace("2026-01-01", '"soon"'), "not a date"),
        ("anchor", "TOML"),
        ('certificate = "x"', "not a file of anchors"),
    ):
        with pytest.raises((InvalidValue, Unreadable), match=told):
            read_trust(bad.encode(), files.__getitem__, "trust.toml")


def test_only_messages_are_signed() -> None:
    key = MET.signing()
    for raw in (b"<a/>", RAW.decode().replace("UTF-8", "GB18030").encode("gb18030")):
        with pytest.raises(InvalidValue):
            sign(raw, key)


def test_a_signature_that_cannot_be_read_back_alone_holds_nothing() -> None:
    assert signature_value._value_holds(b"<alert U></alert>", None) is False


def test_a_certificate_whose_issuer_cannot_be_read_is_none() -> None:
    der = signer("Somebody").certificate.public_bytes(Encoding.DER)
    broken = der.replace(b"Somebody", b"Some\xffody", 1)
    texts = [b64encode(one).decode() for one in (der, broken)]
    data = "".join(f"<X509Certificate>{text}</X509Certificate>" for text in texts)
    signature = etree.fromstring(
        f'<Signature xmlns="{XMLDSIG}"><KeyInfo><X509Data>{data}</X509Data></KeyInfo></Signature>'
    )
    assert [one.public_bytes(Encoding.DER) for one in signature_value.certificates_in(signature)] == [der]
