"""SMS and voice gateways and chat services through Apprise: WeCom, DingTalk, Feishu, Telegram, ntfy …

The recipient's address is a name; the Apprise URL that it stands for is a secret of this workspace, for
it holds tokens and keys. Neither it nor a part of it comes into a receipt or a log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType

from anlan.channels.deadline import Aside, TooLate
from anlan.channels.gateway.said import HEARD, Refusal, listen, refusal
from anlan.channels.texts import Chosen, choose, spoken
from anlan.formats import lengths
from anlan.model.errors import InvalidValue
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

#: schemes of Apprise whose service has a row in formats/channel_limits.csv
ROWS = {
    "wecombot": "wecom",
    "dingtalk": "dingtalk",
    "feishu": "feishu",
    "lark": "feishu",
    "tgram": "telegram",
    "ntfy": "ntfy",
    "ntfys": "ntfy",
}
#: they have no title: Apprise puts it before the text, which has the headline already
UNTITLED = ("dingtalk", "feishu")
NO_WAY = -1
_STATUS = re.compile(r"error=(\d{3})\b")
_LATER = (408, 425, 429)

#: what the library below Apprise says of a connection that never came to be
_NO_WAY_THERE = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeoutError")


class _Aside(logging.Filter):
    """Whole addresses, tokens included, stand in what Apprise says below a warning, so none of that is passed
    on. One thing is kept of it, for the call that it is said of: that nothing can have arrived."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            return True
        heard = HEARD.get()
        if heard is not None and _NO_WAY_THERE.search(record.getMessage()):
            heard.no_way = True
        return False


logging.getLogger("apprise").addFilter(_Aside())
logging.getLogger("apprise").setLevel(logging.DEBUG)
logging.getLogger("urllib3").setLevel(logging.WARNING)


class Gateway:
    """One adapter for every service of Apprise. A URL with several targets counts as one recipient: where
    one of them fails, all are tried again."""

    id = "gateway"
    at_once = 8

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.public: bool = options["public"]
        self.options = options
        self.repeats: int = options["repeats"]
        self.timeout = float(options["timeout_s"])
        self.urls: Mapping[str, str] = options["urls"]
        self._aside = Aside("gateway", most=16)
        for name in self.urls:
            if self._service(name) is None:
                raise InvalidValue(
                    "not a URL that Apprise knows",
                    where=f"channel gateway option urls.{name}",
                    expected="such as tgram://TOKEN/CHAT, wecombot://KEY, ntfys://HOST/TOPIC",
                )

    def deliver(self, parcel: Parcel) -> Receipt:
        """Accepted once the service has taken it. 4xx but 408, 425 and 429, and a refusal in the body of the
        answer that is not about its being busy: for good. Everything else, and whatever Apprise gives no
        status of: transient."""
        service = self._service(parcel.recipient.address)
        if service is None:
            return Receipt(False, f"unknown_address: {self.misaddressed(parcel.recipient.address)}")
        chosen, title = self._words(parcel, service)
        name = str(service.service_name)
        if chosen is None:
            parts = self.options["sms_parts"]
            room = f"{parts} SMS parts" if parts else f"{name} ({service.body_maxlen})"
            return Receipt(False, f"too_long: not even the headline, with what is asked, fits {room}")
        try:
            answer = self._aside.call(lambda: _notify(service, chosen.text, title), self.timeout)
        except TooLate as error:
            return Receipt(False, f"deadline: {name}: {error}", transient=True, doubtful=True)
        if answer is None:
            return Receipt(True, f"{name} took the {chosen.form} text ({', '.join(chosen.languages)})")
        if isinstance(answer, Refusal):
            return Receipt(False, f"refused_by_service: {name} said {answer.number}", transient=answer.later)
        if answer > 0:
            later = answer in _LATER or answer >= 500
            return Receipt(False, f"answered_{answer}: {name}", transient=later)
        # with several targets one may have been told before another could not be
        sent = answer != NO_WAY or len(service) > 1
        return Receipt(False, f"no_answer: {name} could not be told", transient=True, doubtful=sent)

    def misaddressed(self, address: str) -> str:
        """One of the names that have a URL."""
        known = ", ".join(sorted(self.urls))
        return "" if address in self.urls else f"no URL of that name is set; there are: {known}"

    def _service(self, name: str) -> NotifyBase | None:
        """The service anew each time: some of them keep state between calls, and calls run side by side."""
        if name not in self.urls:
            return None
        asset = AppriseAsset(
            plugin_paths=[],
            storage_mode="memory",
            service_timeout=self.timeout,
            allow_templates=False,
            app_id="anlan",
            app_desc="anlan",
            async_mode=False,
            http_redirects=False,
        )
        return Apprise.instantiate(self.urls[name], asset=asset)

    def _words(self, parcel: Parcel, service: NotifyBase) -> tuple[Chosen | None, str]:
        """The text that fits, and the title where the service has one."""
        parts = self.options["sms_parts"]
        plain = parts > 0 or self.options["voice"]
        subject = " ".join(parcel.subject.split())
        title = "" if plain or len(subject) > service.title_maxlen else subject
        fits = self._fits(service, title)
        if self.options["voice"]:
            languages = tuple(dict.fromkeys(parcel.recipient.languages or ("zh", "en")))
            for said in (languages, languages[:1]):
                text = "\n".join(words for one in said if (words := spoken(parcel, one)))
                if text and fits(text):
                    return Chosen("spoken", said, text), title
            return None, title
        chosen = choose(parcel, self.options["full_text"], fits)
        there = chosen is not None and _scheme(service) in UNTITLED and title in chosen.text
        return chosen, "" if there else title

    def _fits(self, service: NotifyBase, title: str) -> Callable[[str], bool]:
        row, parts = ROWS.get(_scheme(service)), self.options["sms_parts"]

        def fits(text: str) -> bool:
            # many services put the title into the text
            whole = f"{title}\r\n{text}" if title else text
            return (
                len(whole) <= service.body_maxlen
                and (row is None or lengths.fit(whole, row).fits)
                and (parts == 0 or lengths.sms(whole).parts <= parts)
            )

        return fits


def _scheme(service: NotifyBase) -> str:
    """The scheme that Apprise knows the service by; the secure one where that is all it has."""
    for names in (service.protocol, service.secure_protocol):
        if names:
            return str(names if isinstance(names, str) else next(iter(names)))
    return ""


def _notify(service: NotifyBase, text: str, title: str) -> int | Refusal | None:
    """None when it was taken; else the refusal that the body of the answer gives, or the HTTP status that it
    was refused with, 0 where there is none, NO_WAY where there was no connection."""
    scheme = _scheme(service)
    heard = listen(service, scheme)
    sender = Apprise(asset=service.asset)
    sender.add(service)
    with sender.notify(
        text, title=title, notify_type=NotifyType.WARNING, body_format=NotifyFormat.TEXT
    ) as result:
        if refused := refusal(heard, scheme):
            return refused
        if result:
            return None
        statuses = [int(found[1]) for log in result.logs() if (found := _STATUS.search(log.message))]
    # Apprise does not tell the status of every service
    statuses = statuses or [one.status_code for one in heard.answers if not one.ok]
    if not statuses and heard.no_way:
        return NO_WAY
    return statuses[0] if statuses else 0


def make(options: Mapping[str, Any], _clock: Clock) -> Gateway:
    """The channel from its settled options (see manifest.toml)."""
    return Gateway(options)
