"""Acts on silences: set one, lift one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from anlan.model.errors import InvalidValue, NotFound
from anlan.model.mute import Silence
from anlan.model.time import parse_instant
from anlan.model.user import User
from anlan.turn import Turn
from anlan.warn import silence


def found(turn: Turn, id: str) -> Silence:
    """The silence, or NotFound."""
    try:
        return turn.state.silences[id]
    except KeyError:
        raise NotFound("no such silence", where="silence", found=id) from None


def set_silence(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """Keep something quiet until an instant. Red of an Actual system only where the field `red` says yes."""
    if id:
        raise NotFound("no such silence", where="silence", found=id, expected="none: the act sets a new one")
    if not fields.get("ends", "").strip():
        raise InvalidValue(
            "a silence needs an end", where="ends", expected="RFC 3339, such as 2026-11-14T06:00:00Z"
        )
    begins = fields.get("begins", "").strip()
    made = silence.make(
        user,
        fields.get("reason", ""),
        parse_instant(begins, "begins") if begins else turn.now,
        parse_instant(fields["ends"].strip(), "ends"),
        turn.pack,
        turn.now,
        places=silence.parse_names(fields.get("places", "")),
        hazards=silence.parse_names(fields.get("hazards", "")),
        rules=silence.parse_names(fields.get("rules", "")),
        recipients=silence.parse_names(fields.get("recipients", "")),
        red=silence.parse_red(fields.get("red", "")),
    )
    turn.put("silence.set", made, actor=user.name)


def lift(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """End it before its time; what it held back from recipients leaves now."""
    before = found(turn, id)
    after = silence.lift(before, user, fields.get("reason", ""))
    turn.put("silence.lifted", after, "", (id,), user.name, after.reasons[-1])
    why = silence.reason(before)
    for held in list(turn.state.digests.values()):
        if held.status == "open" and held.recipient in before.recipients and why in held.reasons:
            freed = replace(held, due=min(held.due, turn.now))
            turn.put("digest.freed", freed, cause=(id,), actor=user.name, why=after.reasons[-1])
