"""The words of the console, in both languages, from two files with the same keys."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from anlan.model.delivery import DELIVERY_STATUSES
from anlan.model.mute import MUTE_STATUSES, SILENCE_STATUSES
from anlan.model.notice import OUTCOMES as NOTICE_OUTCOMES
from anlan.model.relayed import SIGNATURES
from anlan.model.roster import SHIFT_STATUSES, WATCH_STATUSES
from anlan.model.text import LANGUAGES
from anlan.model.user import ROLES
from anlan.model.warning import CHANGES, PURPOSES, STATUSES
from anlan.ports.desk import ACTS, MODES
from anlan.warn.contact import OUTCOMES
from anlan.warn.hub import OUTCOMES as REFERENCES
from anlan.warn.hub import STATES as STANDINGS

# Terms that are looked up by a value of the model: family -> its values.
FAMILIES: dict[str, tuple[str, ...]] = {
    "act": tuple(ACTS),
    "cap": ("Actual", "Exercise", "Test"),
    "change": CHANGES,
    "purpose": tuple(filter(None, PURPOSES)),
    "delivery": DELIVERY_STATUSES,
    "shift": SHIFT_STATUSES,
    "watch": WATCH_STATUSES,
    "contact": OUTCOMES,
    "finding": ("raised", "lowered", "ended", "unknown", "known"),
    "incident": ("open", "stood_down"),
    "mode": MODES,
    "noun": (
        "notice",
        "digest",
        "silence",
        "mute",
        "relayed",
        "observation",
        "finding",
        "assessment",
        "warning",
        "delivery",
        "mailing",
        "shift",
        "watch",
        "contact",
        "incident",
        "task",
        "report",
        "stand_down",
        "review",
        "lesson",
        "source",
        "handover",
        "marker",
    ),
    "cap_certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
    "cap_severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    "cap_type": ("Alert", "Update", "Cancel", "Ack", "Error"),
    "cap_urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "digest": ("open", "sent"),
    "found_by": ("geocode", "name", "polygon", "source"),
    "listed": ("now", "all", "conflicts"),
    "mark": ("branched", "cancel_of_earlier", "late"),
    "mute": MUTE_STATUSES,
    "outcome_told": NOTICE_OUTCOMES,
    "reference": REFERENCES,
    "signature": SIGNATURES,
    "silence": SILENCE_STATUSES,
    "standing": STANDINGS,
    "outcome": ("hit", "false_alarm", "miss", "unknown"),
    "quarantine": (
        "bad_input",
        "unreadable",
        "hostile",
        "unknown_place",
        "unknown_indicator",
        "wrong_unit",
        "out_of_bounds",
        "not_cap",
        "future_known",
        "future_at",
        "foreign_reference",
        "signature_broken",
        "naive_time",
        "other_indicator",
        "missing_column",
        "sender_not_expected",
        "sender_not_authenticated",
        "sent_in_future",
        "sent_instant_came",
        "replayed",
        "span_absurd",
        "area_too_large",
        "not_public",
        "identity_conflict",
        "status_changed",
        "words_contradict_status",
        "linked_only",
        "no_message",
        "parser_crashed",
        "parser_timeout",
        "parser_memory",
        "parser_failed",
    ),
    "receipt": (
        "exercise_barred",
        "scope_barred",
        "identity_mismatch",
        "identity_conflict",
        "message_unreadable",
        "bad_address",
        "unknown_address",
        "address_barred",
        "too_long",
        "not_announced",
        "answered",
        "refused",
        "no_connection",
        "no_acknowledgement",
        "no_answer",
        "deadline",
        "device_busy",
        "device_refused",
        "refused_by_gateway",
        "refused_by_service",
        "answer_short",
        "not_written",
        "channel_failed",
        "in_doubt",
        "not_told",
        "no_channel",
    ),
    "report": ("owed", "filed", "late", "dropped"),
    "reporting": ("silent", "stuck"),
    "role": ROLES,
    "scope": ("Public", "Restricted"),
    "source": ("fresh", "late", "dead", "failing", "never", "ended"),
    "stage": ("monitor", "assess", "warn", "respond", "review", "system"),
    "task": ("open", "done", "overdue", "cancelled"),
    "whose": ("any", "own", "relayed"),
    "verdict": ("open", "confirmed", "dismissed", "merged", "split", "closed"),
    "warning": STATUSES,
}


def flatten(table: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Nested TOML tables as dotted keys."""
    flat: dict[str, str] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = str(value)
    return flat


@cache
def messages(language: str) -> Mapping[str, str]:
    """Every message of a language by its dotted key."""
    raw = files("anlan.web").joinpath("messages", f"{language}.toml").read_text(encoding="utf-8")
    return flatten(tomllib.loads(raw))


class Words:
    """Looks words up in one language. A missing key is an error, never an empty place on a screen."""

    def __init__(self, language: str) -> None:
        self.language = "zh" if language.lower().startswith("zh") else "en"
        self._messages = messages(self.language)

    def __call__(self, key: str, **values: object) -> str:
        return self._messages[key].format(**values)

    def term(self, family: str, value: str) -> str:
        """The word for a value of the model; the value itself when a pack or plug-in brought a new
        one."""
        return self._messages.get(f"term.{family}.{value}", value)


def preferred(accept_language: str, fallback: str = "en") -> str:
    """The first of our languages in an Accept-Language header (RFC 9110, section 12.5.4)."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language[:400].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        for language in LANGUAGES:
            if tag.lower().split("-")[0] == language:
                ranked.append((-quality, place, language))
    return min(ranked)[2] if ranked else fallback
