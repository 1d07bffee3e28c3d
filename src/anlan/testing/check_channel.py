"""The battery that every channel passes, built-in or plug-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from anlan.channels.guard import Guarded
from anlan.formats.cap import CapAlert, CapArea, CapInfo, CapPair, write
from anlan.model.text import Text
from anlan.model.warning import Contents, Delivery, Recipient, Warning
from anlan.ports.channel import Channel, Parcel, Receipt

SENT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def sample_parcel(
    address: str, *, mode: str = "Actual", scope: str = "Public", repeat: bool = False, number: int = 1
) -> Parcel:
    """A whole parcel to `address`, with a valid CAP message, words in two languages, and an XML, header
    and terminal trap in the text."""
    warning = Warning(
        id=f"W-check-{number}",
        risk="R-check",
        change="alert",
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
            areas=(CapArea(area, geocodes=(CapPair("anlan:place", "demo/1"),)),),
        )
        for language, headline, area in (
            ("zh-CN", warning.headline.zh, "演示区"),
            ("en-US", warning.headline.en, "Demo district"),
        )
    )
    message = CapAlert(
        warning.id,
        "check.invalid",
        SENT,
        mode,
        "Alert",
        scope,
        restriction="named recipients" if scope == "Restricted" else "",
        infos=infos,
    )
    subject = "洪水橙色预警\nX-Forged: yes"
    body = f"{warning.headline.zh}\n{warning.contents.matters.en}\n{warning.contents.measures.zh}\n"
    return Parcel(delivery, warning, recipient, write(message), subject, body, repeat)


def check_channel(channel_factory: Callable[[], Channel], address: str, broken_address: str = "") -> None:
    """AssertionError naming the promise a channel breaks. The factory gives a new instance of one
    configured channel each time; `address` is one where its peer accepts, `broken_address` one where
    nobody answers (left out for channels without a peer). Guarded or bare alike.

    Promises: a name and a publicity that do not change; an accepted parcel is accepted again when it
    is repeated, by this instance and by a new one; public means that exercise, test and restricted
    messages are refused for good; tampered parcels are refused; a peer's failure is a receipt."""
    channel = channel_factory()
    again = channel_factory()
    assert channel.id and channel.id == again.id, "a channel's id is fixed"
    assert channel.public is again.public, "whether a channel is public is fixed"
    guarded = channel if isinstance(channel, Guarded) else Guarded(channel)

    first = guarded.deliver(sample_parcel(address))
    assert _is(first, accepted=True), f"a good parcel is accepted: {first}"
    for instance in (guarded, Guarded(again)):
        repeated = instance.deliver(sample_parcel(address, repeat=True))
        assert _is(repeated, accepted=True), f"a repeat is accepted: {repeated}"

    for mode in ("Exercise", "Test"):
        barred = guarded.deliver(sample_parcel(address, mode=mode, number=2))
        if channel.public:
            assert _is(barred, accepted=False, transient=False), f"{mode} is barred for good: {barred}"
            assert barred.detail.startswith("exercise_barred"), barred
    restricted = guarded.deliver(sample_parcel(address, scope="Restricted", number=3))
    if channel.public:
        assert restricted.detail.startswith("scope_barred"), f"restricted messages are barred: {restricted}"

    good = sample_parcel(address, number=4)
    other = sample_parcel(address, number=5)
    drill = sample_parcel(address, number=4, mode="Exercise")
    for tampered in (
        replace(good, cap=b"<alert/>"),
        replace(good, cap=other.cap),
        replace(good, cap=drill.cap),
    ):
        receipt = guarded.deliver(tampered)
        assert _is(receipt, accepted=False, transient=False), f"tampered bytes are refused: {receipt}"

    if broken_address:
        failed = channel_factory().deliver(sample_parcel(broken_address, number=6))
        assert _is(failed, accepted=False), f"a peer's failure is a receipt: {failed}"


def _is(receipt: object, *, accepted: bool, transient: bool | None = None) -> bool:
    """A receipt that says so, in words, and on which accepted and transient do not contradict."""
    return (
        isinstance(receipt, Receipt)
        and receipt.accepted is accepted
        and bool(receipt.detail.strip())
        and not (receipt.accepted and receipt.transient)
        and (transient is None or receipt.transient is transient)
    )
