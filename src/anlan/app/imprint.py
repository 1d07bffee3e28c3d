"""What the settings give a message when it is approved: its name, addresses, zone and profiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from zoneinfo import ZoneInfo

from anlan.app.config import CapConfig, Config
from anlan.model.imprint import Imprint
from anlan.model.warning import Warning
from anlan.warn.words import issue_time


def imprinted(warning: Warning, config: Config, others: Iterable[Warning]) -> Warning:
    """The message with its imprint: what it has, else what the settings give; as it is where they give
    nothing. `others`: all messages there are, none of which may have its identifier."""
    cap = config.cap
    given = config.profiles or cap != CapConfig()
    if warning.imprint is not None or not given:
        return warning
    name = _identifier(warning, cap.identifier, ZoneInfo(cap.zone), others)
    web = cap.web.replace("{id}", warning.id)
    return replace(warning, imprint=Imprint(name, web, cap.contact, cap.zone, config.profiles, cap.english))


def _identifier(warning: Warning, form: str, zone: ZoneInfo, others: Iterable[Warning]) -> str:
    sent = issue_time(warning).astimezone(zone)
    form = form.replace("{id}", warning.id).replace("{sent}", f"{sent:%Y%m%d%H%M%S}")
    if "{n}" not in form:
        return form
    taken = {one.identifier for one in others if one.id != warning.id and one.imprint is not None}
    return next(name for n in count() if (name := form.replace("{n}", str(n))) not in taken)
