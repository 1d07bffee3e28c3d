"""A message as the public sees it, channel by channel, through the channels' own code: what an approver
reads is what leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from anlan.app.house import RunningHouse
from anlan.channels.texts import Chosen, forms
from anlan.formats.lengths import Fit, fit, measure
from anlan.model.delivery import Delivery
from anlan.model.warning import Recipient, Warning
from anlan.ports.channel import Parcel
from anlan.ports.desk import Shown
from anlan.warn.words import headline, text, words

LANGUAGES = ("zh", "en")
#: what is shown -> (channel, form of its limit): those that carry a text of bounded length to everybody.
#: A phone of before 2019 shows the short text of an American alert alone (47 CFR 10.430)
BOUNDED = {
    "cell_broadcast": ("cell_broadcast", ""),
    "wea": ("wea", ""),
    "wea_short": ("wea", "short"),
    "sms": ("sms", ""),
}


def as_if_sent(warning: Warning, now: datetime) -> Warning:
    """The message itself where it was sent, else as it would be if it were approved now."""
    if warning.sent is not None:
        return warning
    return replace(warning, sent=min(now, warning.expires - timedelta(seconds=1)))


def shown(house: RunningHouse, warning: Warning) -> tuple[Shown, ...]:
    """The headline (CAP), every bounded channel, and the mail, in both languages."""
    sent = as_if_sent(warning, house.clock.now())
    pack = house.pack_of(sent.pack) or house.pack if sent.digest else house.pack
    cap = house.render(sent)
    found = []
    for language in LANGUAGES:
        subject = headline(sent, language)
        found.append(_shown("cap", language, "headline", subject, fit(subject, "cap", "headline")))
    for name, (channel, form) in BOUNDED.items():
        for language in LANGUAGES:
            parcel = _parcel(house, sent, cap, channel, language)
            texts = [*forms(parcel, "")]
            if form == "short":
                # there is no room to say where the rest is
                texts.append(Chosen("headline", (language,), headline(sent, language)))
            tried = [(one, fit(one.text, channel, form)) for one in texts]
            one, room = next(((one, room) for one, room in tried if room.fits), tried[-1])
            found.append(_shown(name, language, one.form if room.fits else "", one.text, room))
    for language in LANGUAGES:
        _, body = text(_in_zone(house, sent), pack, language)
        found.append(Shown("mail", language, "full", body, len(body), 0, "characters", 1))
    return tuple(found)


def _shown(channel: str, language: str, form: str, said: str, room: Fit) -> Shown:
    outside = measure(said).outside if channel != "cap" else ()
    return Shown(
        channel, language, form, said, room.used, room.limit, room.unit, room.parts, outside, room.source
    )


def _in_zone(house: RunningHouse, sent: Warning) -> Warning:
    """The message with the imprint that it would be approved with: its words tell the hours of that zone."""
    return sent if sent.digest else house.imprinted(sent)


def _parcel(house: RunningHouse, sent: Warning, cap: bytes, channel: str, language: str) -> Parcel:
    """A parcel as the channel would get it, for a reader of one language."""
    pack = house.pack_of(sent.pack) or house.pack if sent.digest else house.pack
    reader = Recipient("public", sent.contents.issuer, channel, "", sent.places, languages=(language,))
    subject, body = words(_in_zone(house, sent), pack, reader.languages)
    delivery = Delivery(
        id="preview",
        warning=sent.id,
        risk=sent.risk,
        recipient=reader.id,
        channel=channel,
        rung=0,
        status="due",
        due=sent.sent or sent.drafted,
    )
    return Parcel(delivery, sent, reader, cap, subject, body, False)
