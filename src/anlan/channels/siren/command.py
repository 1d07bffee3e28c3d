"""What a siren or a message sign is told: a small object that a small device can read.

    {"format": "anlan.siren/1", "id": "D-1", "warning": "W-1", "action": "sound", "mode": "Actual",
     "level": 1, "duration_s": 180, "text": "...", "until": "2030-01-02T09:04:05Z", "follows": [],
     "repeat": false}

`action`: sound (and show), show (without sound), stop. Several warnings may stand at once, so a device keeps
what it was told by `warning`: a command is about its own and about those in `follows`, which it replaces
(stop: ends), and about no other. Lifting a yellow one must not silence a red one. It keeps the ids it obeyed:
the same again is answered and not obeyed.
"""

from __future__ import annotations

from datetime import UTC

from anlan.channels.texts import info_in
from anlan.formats.cap import read
from anlan.formats.lengths import limit
from anlan.formats.values import canonical
from anlan.model.time import format_instant
from anlan.ports.channel import Parcel

FORMAT = "anlan.siren/1"


def action(parcel: Parcel, sound_from: int) -> str:
    """stop for a cancellation; sound for an Actual warning of level `sound_from` or a more severe one (1 is
    the most severe); show for everything else, so that no exercise ever sounds."""
    if parcel.warning.change == "cancel":
        return "stop"
    return "sound" if parcel.warning.mode == "Actual" and parcel.warning.level <= sound_from else "show"


def command(parcel: Parcel, *, sound_from: int, duration_s: int) -> bytes:
    """The command as JSON. ValueError where not even the headline fits on the sign."""
    most = limit("siren").limit
    # nobody follows a link on a sign: it shows the headline alone, and not where the rest stands
    shown = headline(parcel, most)
    if not shown:
        raise ValueError(f"no headline of at most {most} characters")
    done = action(parcel, sound_from)
    return canonical(
        {
            "format": FORMAT,
            "id": parcel.delivery.id,
            "warning": parcel.warning.id,
            "action": done,
            "mode": parcel.warning.mode,
            "level": parcel.warning.level,
            "duration_s": duration_s if done == "sound" else 0,
            "text": shown,
            "until": format_instant(parcel.warning.expires.astimezone(UTC)),
            "follows": list(parcel.warning.references),
            "repeat": parcel.repeat,
        }
    )


def headline(parcel: Parcel, most: int) -> str:
    """The headline in all of the recipient's languages where they fit together, else in the first that
    fits; empty where none does. The message's own, so with the watermark of an exercise."""
    message = read(parcel.cap, parcel.warning.id)
    infos = [info_in(message, language) for language in parcel.recipient.languages or ("zh", "en")]
    lines = [info.headline or info.event for info in infos if info is not None]
    whole = " / ".join(dict.fromkeys(lines))
    return whole if len(whole) <= most else next((line for line in lines if len(line) <= most), "")
