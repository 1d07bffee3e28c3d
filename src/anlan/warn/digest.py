"""Messages held for a recipient, told together: when, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from anlan.formats.values import short_id
from anlan.model.notice import Digest
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Delivery, Warning
from anlan.warn.words import clock, headline, mark, measures, zone_of

_SUBJECT = Text("{n} warnings held for you", "为您汇总的 {n} 条预警")
_ONE = Text("1 warning held for you", "为您汇总的 1 条预警")
_LEAD = Text(
    "These messages were held for you ({why}). Each as it stands now:",
    "以下消息曾为您暂存（{why}），现状如下：",
)
_STATUS = {
    "approved": Text("in force until {until}", "有效期至 {until}"),
    "superseded": Text("followed by a newer message", "已有后续消息"),
    "cancelled": Text("lifted", "已解除"),
    "expired": Text("run out", "已到期"),
}
_CANCEL = Text("This message lifts an earlier warning.", "本消息解除先前预警。")
_LEVEL = Text("{colour} (level {level} of 4)", "{colour}（{level}级）")


def due(state: State, now: datetime) -> list[Digest]:
    """Digests whose time has come."""
    return [one for one in state.digests.values() if one.status == "open" and one.due <= now]


def next_due(state: State) -> datetime | None:
    """When the next digest leaves."""
    return min((one.due for one in state.digests.values() if one.status == "open"), default=None)


def send(digest: Digest, state: State, pack: Pack, now: datetime) -> tuple[Digest, Delivery]:
    """The digest as sent, and the copy that carries it: that of its gravest message in force, else of its
    newest. One message is told as itself."""
    held = [state.warnings[id] for id in digest.warnings]
    standing = [one for one in held if one.status == "approved" and one.expires > now]
    lead = min(standing, key=lambda one: one.level) if standing else held[-1]
    delivery = Delivery(
        id=short_id("D", digest.id),
        warning=lead.id,
        risk=lead.risk,
        recipient=digest.recipient,
        channel=pack.recipients[digest.recipient].channel,
        rung=0,
        status="due",
        due=now,
        digest=digest.id,
    )
    return replace(digest, status="sent", due=now, delivery=delivery.id), delivery


def words(
    digest: Digest,
    warnings: Sequence[Warning],
    pack: Pack,
    languages: Sequence[str],
    now: datetime,
) -> tuple[str, str]:
    """Subject in the recipient's first language, and one body with all of them, every message listed with
    what it has become, its end in the zone in which it was published."""
    tongues = languages or ("zh", "en")
    subject = (_ONE if len(warnings) == 1 else _SUBJECT).in_(tongues[0]).format(n=len(warnings))
    marks = dict.fromkeys(sign for one in warnings if (sign := mark(one.mode, *tongues)))
    if marks:
        subject = f"[{', '.join(marks)}] {subject}"
    bodies = (_body(digest, warnings, pack, tongue, now) for tongue in tongues)
    return subject, "\n----------\n\n".join(bodies)


def _body(digest: Digest, warnings: Sequence[Warning], pack: Pack, language: str, now: datetime) -> str:
    semicolon = "；" if language.startswith("zh") else "; "
    why = semicolon.join(dict.fromkeys(reason.text.in_(language) for reason in digest.reasons))
    rows = [_LEAD.in_(language).format(why=why), ""]
    for number, one in enumerate(warnings, start=1):
        colour = pack.warning_level(one.level, one.sent or now).colour.in_(language)
        level = _LEVEL.in_(language).format(colour=colour, level=one.level)
        status = "expired" if one.status == "approved" and one.expires <= now else one.status
        became = _STATUS[status].in_(language).format(until=clock(one.expires, zone_of(one)))
        if one.change == "cancel":
            became = _CANCEL.in_(language)
        rows += [
            f"{number}. {headline(one, language)}",
            f"   {level}{semicolon}{became}",
            f"   {measures(one, language)}",
            f"   {one.id}",
            "",
        ]
    return "\n".join(rows)
