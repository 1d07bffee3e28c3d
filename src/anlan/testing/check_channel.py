"""The battery that every channel passes, built-in or plug-in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from anlan.channels.guard import Guarded
from anlan.formats.cap import CapAlert, CapArea, CapInfo, CapPair, CapReference, write
from anlan.model.errors import StoreUnavailable
from anlan.model.text import Text
from anlan.model.warning import Contents, Delivery, Recipient, Warning
from anlan.ports.channel import Channel, Parcel, Receipt

SENT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def sample_parcel(
    address: str,
    *,
    mode: str = "Actual",
    scope: str = "Public",
    repeat: bool = False,
    number: int = 1,
    follows: int = 0,
    change: str = "alert",
    long: bool = False,
) -> Parcel:
    """A whole parcel to `address`, with a valid CAP message, words in two languages, and an XML, header
    and terminal trap in the text. `follows`: the number of the parcel whose message this one (an update
    or a cancel, by `change`) refers to. `long`: more words than any chat or sign takes."""
    warning = Warning(
        id=f"W-check-{number}",
        risk="R-check",
        change=change,
        status="approved",
        mode=mode,
        scope=scope,
        hazard="flood",
        level=2,
        places=("demo/1",),
        contents=Contents(
            category=Text("Natural disaster", "自然灾害"),
            starts=SENT,
            area=Text("Demo district", "演示区"),
            matters=Text("<b>River</b> & \x1b[2Jstream rise", "河水上涨"),
            measures=Text("Move to high ground", "向高处转移"),
            issuer=Text("Demo office", "演示机关"),
        ),
        headline=Text("Orange flood warning", "洪水橙色预警"),
        drafted=SENT,
        expires=SENT + timedelta(hours=6),
        organ="demo",
        basis="demo#1",
        author="one",
        approver="two",
        sent=SENT,
        references=(f"W-check-{follows}",) if follows else (),
    )
    delivery = Delivery(f"D-check-{number}", warning.id, warning.risk, "desk", "check", 0, "due", SENT)
    recipient = Recipient("desk", Text("Duty desk", "值班室"), "check", address, ("demo/1",))
    infos = tuple(
        CapInfo(
            categories=("Met",),
            event="flood",
            urgency="Immediate",
            severity="Severe",
            certainty="Observed",
            language=language,
            expires=warning.expires,
            headline=headline,
            instruction=measures,
            areas=(CapArea(area, geocodes=(CapPair("anlan:place", "demo/1"),)),),
        )
        for language, headline, area, measures in (
            ("zh-CN", warning.headline.zh, "演示区", warning.contents.measures.zh),
            ("en-US", warning.headline.en, "Demo district", warning.contents.measures.en),
        )
    )
    message = CapAlert(
        warning.id,
        "check.invalid",
        SENT,
        mode,
        change.capitalize(),
        scope,
        restriction="named recipients" if scope == "Restricted" else "",
        references=(CapReference("check.invalid", f"W-check-{follows}", "2030-01-02T03:04:05-00:00"),)
        if follows
        else (),
        infos=infos,
    )
    subject = "洪水橙色预警\nX-Forged: yes"
    body = f"{warning.headline.zh}\n{warning.contents.matters.en}\n{warning.contents.measures.zh}\n"
    if long:
        body += "水位仍在上涨。" * 5_000
    return Parcel(delivery, warning, recipient, write(message), subject, body, repeat)


def check_channel(
    channel_factory: Callable[[], Channel],
    address: str,
    broken_address: str = "",
    *,
    secrets: Sequence[str] = (),
    within: float = 60.0,
    arrived: Callable[[], Sequence[str]] | None = None,
) -> None:
    """AssertionError naming the promise a channel breaks. The factory gives a new instance of one
    configured channel each time; `address` is one where its peer accepts, `broken_address` one where
    nobody answers (left out for channels without a peer). Guarded or bare alike. `secrets` are texts that
    neither a receipt nor a log line may hold; `within` the seconds that one call may take; `arrived` what
    has come to the peer so far, a text for each copy (left out where that cannot be seen).

    Promises: a name and a publicity that do not change; an accepted parcel is accepted again when it
    is repeated, by this instance and by a new one, and each copy that arrives for a repeat is marked as
    one or is the same bytes again; an update arrives after what it refers to; public means that
    exercise, test and restricted messages are refused for good and nothing of them arrives; tampered
    parcels are refused; a text of any length gets a receipt; a peer's failure is a receipt, which nobody
    waits for longer than agreed; a far end that is asked what it has names what it accepted and nothing else;
    of a message held back at its last byte nothing has arrived, and nothing does where it may not leave; no
    secret is told."""
    written, root = _Written(), logging.getLogger()
    before = root.level
    root.addHandler(written)
    # a program may log more than warnings, and so may a library that it loads
    root.setLevel(logging.INFO)
    try:
        receipts = _battery(_timed(channel_factory, within), address, broken_address, arrived)
    finally:
        root.removeHandler(written)
        root.setLevel(before)
    for secret in secrets:
        told = [receipt.detail for receipt in receipts if secret in receipt.detail]
        assert not told, f"a receipt tells a secret: {len(told)} of {len(receipts)}"
        assert not any(secret in line for line in written.lines), "a log line tells a secret"


def _battery(
    timed: Callable[[], _Timed],
    address: str,
    broken_address: str,
    arrived: Callable[[], Sequence[str]] | None,
) -> list[Receipt]:
    channel = timed()
    again = timed()
    assert channel.id and channel.id == again.id, "a channel's id is fixed"
    assert channel.public is again.public, "whether a channel is public is fixed"
    came = arrived or (lambda: ())

    first = channel.deliver(sample_parcel(address))
    assert _is(first, accepted=True), f"a good parcel is accepted: {first}"
    copies = list(came())
    for instance in (channel, again):
        repeated = instance.deliver(sample_parcel(address, repeat=True))
        assert _is(repeated, accepted=True), f"a repeat is accepted: {repeated}"
    for copy in list(came())[len(copies) :]:
        same = copy in copies
        marked = any(mark in copy for mark in MARKS)
        assert same or marked, f"a repeat is marked, or the same bytes: {copy[:200]}"

    before = len(came())
    for change, number in (("update", 7), ("cancel", 8)):
        followed = channel.deliver(sample_parcel(address, number=number, follows=1, change=change))
        assert _is(followed, accepted=True), f"an {change} after what it refers to is accepted: {followed}"
    if arrived is not None:
        assert len(came()) >= before + 2, "each message of a chain arrives by itself, in order"

    before = len(came())
    for mode in ("Exercise", "Test"):
        barred = channel.deliver(sample_parcel(address, mode=mode, number=2))
        if channel.public:
            assert _is(barred, accepted=False, transient=False), f"{mode} is barred for good: {barred}"
            assert barred.detail.startswith("exercise_barred"), barred
    restricted = channel.deliver(sample_parcel(address, scope="Restricted", number=3))
    if channel.public:
        assert restricted.detail.startswith("scope_barred"), f"restricted messages are barred: {restricted}"
        assert len(came()) == before, "nothing of a barred message arrives"

    before = len(came())
    good = sample_parcel(address, number=4)
    other = sample_parcel(address, number=5)
    drill = sample_parcel(address, number=4, mode="Exercise")
    for tampered in (
        replace(good, cap=b"<alert/>"),
        replace(good, cap=other.cap),
        replace(good, cap=drill.cap),
    ):
        receipt = channel.deliver(tampered)
        assert _is(receipt, accepted=False, transient=False), f"tampered bytes are refused: {receipt}"
    assert len(came()) == before, "nothing of a tampered message arrives"

    long = channel.deliver(sample_parcel(address, number=9, long=True))
    assert isinstance(long, Receipt) and long.detail.strip(), f"a long text gets a receipt: {long}"
    assert long.accepted or not long.transient, f"what is too long stays too long: {long}"

    receipts = [*channel.receipts, *again.receipts]
    if channel.inner.poised:
        receipts.append(_poised(channel.inner, address, came))
    asked = timed().inner
    if asked.asks:
        before = len(came())
        held = asked.holds([sample_parcel(address), sample_parcel(address, number=77)])
        assert list(held) == [True, False], f"what was accepted is held, and nothing else: {held}"
        assert len(came()) == before, "nothing arrives by asking"
    if broken_address:
        broken = timed()
        failed = broken.deliver(sample_parcel(broken_address, number=6))
        assert _is(failed, accepted=False), f"a peer's failure is a receipt: {failed}"
        receipts += broken.receipts
    return receipts


def _poised(channel: Guarded, address: str, came: Callable[[], Sequence[str]]) -> Receipt:
    """Held back at its last byte: the receipt of the one that then left."""
    before = len(came())
    left: list[int] = []
    receipt = channel.deliver_poised(sample_parcel(address, number=10), lambda: left.append(len(came())))
    assert _is(receipt, accepted=True), f"a good parcel is accepted once it may leave: {receipt}"
    assert left == [before], f"it is held back once, and has not arrived until then: {left}, {before}"

    def stop() -> None:
        raise StoreUnavailable("it may not leave")

    before = len(came())
    try:
        receipt_of_none = channel.deliver_poised(sample_parcel(address, number=11), stop)
    except StoreUnavailable:
        assert len(came()) == before, "nothing arrives of a parcel that may not leave"
        return receipt
    raise AssertionError(f"what keeps a parcel from leaving goes up to the caller: {receipt_of_none}")


#: by one of these a copy says that it is a repeat
MARKS = (
    "repeat: yes",
    "Repeat: yes",
    '"repeat":true',
    '"repeat": true',
    "anlan-repeat=yes",
    "REPEATED",
    "重发",
)


class _Timed:
    """A guarded channel that is looked at: how long each call takes, and what it says."""

    def __init__(self, channel: Channel, within: float) -> None:
        self.inner = channel if isinstance(channel, Guarded) else Guarded(channel)
        self.id, self.public = channel.id, channel.public
        self.within = within
        self.receipts: list[Receipt] = []

    def deliver(self, parcel: Parcel) -> Receipt:
        began = time.monotonic()
        receipt = self.inner.deliver(parcel)
        took = time.monotonic() - began
        assert took <= self.within, f"a call ends in time: {took:.1f} s, {self.within:g} s agreed"
        self.receipts.append(receipt)
        return receipt


def _timed(factory: Callable[[], Channel], within: float) -> Callable[[], _Timed]:
    return lambda: _Timed(factory(), within)


class _Written(logging.Handler):
    """Every line that is logged meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _is(receipt: object, *, accepted: bool, transient: bool | None = None) -> bool:
    """A receipt that says so, in words, and on which accepted and transient do not contradict."""
    return (
        isinstance(receipt, Receipt)
        and receipt.accepted is accepted
        and bool(receipt.detail.strip())
        and not (receipt.accepted and receipt.transient)
        and (transient is None or receipt.transient is transient)
    )
