"""What is kept quiet for a while, by whom or by what, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.checks import one_of, sound
from anlan.model.errors import InvalidValue
from anlan.model.reason import Reason

SILENCE_STATUSES = ("planned", "set", "ended", "lifted")
MUTED_BY = ("inhibit", "silence")
MUTE_STATUSES = ("on", "off")


@dataclass(frozen=True, slots=True)
class Silence:
    """Somebody keeps something quiet from `begins` until `ends`, for the `reason` in words.

    Scope, all of which must fit: `places` with everything below them (never empty), `hazards`, `rules`
    (empty: all). With `recipients` it holds published messages back from those recipients; without, it
    mutes findings. `red` True: the author has named red as well; without it nothing red of an Actual
    system is silenced. `status`: planned (it begins later), set, ended (its time is over),
    lifted (by `lifted_by`)."""

    id: str
    author: str
    reason: str
    set_at: datetime
    begins: datetime
    ends: datetime
    places: tuple[str, ...]
    hazards: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    red: bool = False
    status: str = "set"
    lifted_by: str = ""
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, SILENCE_STATUSES, "silence.status")
        if not self.reason.strip():
            raise InvalidValue("a silence needs a reason in words", where="silence.reason")
        if not self.places:
            raise InvalidValue("a silence needs a place", where="silence.places")
        if self.ends <= self.begins:
            raise InvalidValue(
                "a silence ends before it begins",
                where="silence.ends",
                found=self.ends.isoformat(),
                expected=f"after {self.begins.isoformat()}",
            )

    def active(self, now: datetime) -> bool:
        """In force at `now`."""
        return self.status == "set" and self.begins <= now < self.ends


@dataclass(frozen=True, slots=True)
class Mute:
    """One standing finding that is kept quiet: `finding` of `rule` at `place` about `event`, in the
    thread `risk`. `kind` inhibit: by the pack's rule `by`, because `cause` (a warning or a finding)
    stands; silence: by the silence `by`. `status` on or off. It says nothing about the finding's level,
    which stands as it is."""

    id: str
    kind: str
    by: str
    cause: str
    finding: str
    rule: str
    place: str
    event: str
    risk: str
    hazard: str
    status: str
    began: datetime
    ended: datetime | None = None
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.kind, MUTED_BY, "mute.kind")
        one_of(self.status, MUTE_STATUSES, "mute.status")
