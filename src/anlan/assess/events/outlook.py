"""What a finding about a single earthquake says of the days after it."""

from __future__ import annotations

from datetime import datetime, timedelta

from anlan.assess.events.aftershocks import GENERIC_CALIFORNIA, percent, sentence
from anlan.model.reason import Reason
from anlan.model.text import Text

#: how far the outlook reaches
DAYS = 7.0
#: without a limit of the rule's own: aftershocks of one magnitude less (Bath's law puts the largest there)
_BELOW_MAIN = 1.0


def aftershock_outlook(magnitude: float, at: datetime, now: datetime, limit: float | None) -> Reason:
    """The week from `now` after an earthquake of `magnitude` at `at`: aftershocks of `limit` or more (the
    magnitude from which on the rule speaks; else one below the main shock's), and the chance of one that
    is as strong. By the generic parameters, for at that hour there are no others."""
    since = max((now - at) / timedelta(days=1), 0.0)
    at_least = min(limit if limit is not None else magnitude - _BELOW_MAIN, magnitude)
    text = sentence(GENERIC_CALIFORNIA, magnitude, at_least, since, since + DAYS)
    strong = percent(GENERIC_CALIFORNIA.probability(magnitude, magnitude, since, since + DAYS))
    return Reason(
        "aftershock_outlook",
        Text(
            f"{text.en} One as strong as this or stronger: {strong}.",
            f"{text.zh}强度相当或更强的地震：{strong}。",
        ),
        "Reasenberg and Jones 1989, Science 243:1173-1176",
    )
