"""Whatever message: JSON loses nothing, wrappers keep every byte, a signature sees every change."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cap_roundtrip import alerts

from anlan.formats import cap
from anlan.formats.cap import edxl, json_form
from anlan.formats.cap.container import open_bytes
from anlan.formats.cap.signature import verify
from anlan.formats.cap.signing import sign
from anlan.formats.cap.trust import Anchor, Trust
from signers import signer

MET = signer("met.invalid")
KEY = MET.signing()
AT = datetime(2026, 1, 1, tzinfo=UTC)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@FEW
@given(alert=alerts())
def test_json_gives_back_the_message_and_its_bytes(alert: cap.CapAlert) -> None:
    raw = cap.write(alert)
    received = cap.read(raw)
    assert json_form.read_json(json_form.to_json(received)) == received == alert
    assert json_form.from_json(json_form.to_json(received, original=True)) == raw


@FEW
@given(alert=alerts(), other=alerts())
def test_wrappers_in_wrappers_give_back_every_byte(alert: cap.CapAlert, other: cap.CapAlert) -> None:
    plain = [cap.write(one) for one in (alert, other)]
    bare = [raw[raw.index(b"<alert") :].rstrip() for raw in plain]
    feed = (
        b'<feed xmlns="http://www.w3.org/2005/Atom">'
        + b"".join(b"<entry><content>" + raw + b"</content></entry>" for raw in bare)
        + b"</feed>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("feed", feed)
        archive.writestr("alone", plain[0])
    items = list(open_bytes(out.getvalue(), "f"))
    assert [item.raw for item in items] == [*bare, plain[0]]
    if alert.status in edxl.STATUSES:
        (item,) = open_bytes(edxl.wrap([plain[0]], id="d", sender="s", sent=AT), "f")
        assert item.raw == bare[0]


@FEW
@given(alert=alerts(), data=st.data())
def test_any_other_text_breaks_the_signature(alert: cap.CapAlert, data: st.DataObject) -> None:
    raw = cap.write(alert)
    signed = sign(raw, KEY)
    trust = Trust((Anchor(alert.sender, MET.certificate),))
    assert verify(signed, alert.sender, trust, at=AT).verdict == "authenticated"
    # one letter of one text, anywhere before the signature
    places = [
        at
        for at in range(signed.index(b"<identifier>"), signed.index(b"<ds:Signature"))
        if signed[at : at + 1].isalnum() and signed[at - 1 : at] == b">"
    ]
    at = data.draw(st.sampled_from(places))
    other = b"b" if signed[at : at + 1] != b"b" else b"c"
    changed = signed[:at] + other + signed[at + 1 :]
    assert verify(changed, alert.sender, trust, at=AT).verdict == "broken"
