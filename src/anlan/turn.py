"""What is being decided at one instant: durable as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from anlan.model.entry import Draft, Entry, Value
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.sourcestate import SourceState
from anlan.model.state import State
from anlan.model.user import SYSTEM
from anlan.ports.house import House

#: the name of the position that a replay has come to
CURSOR = "turn"


@dataclass(slots=True)
class Turn:
    """What is being decided at `now`. `put` takes a decision into the state at once, so that later
    steps of the same turn see it; `commit` makes all of it durable, or none. `accepted` counts the new
    rows of the lake, `held` names what went into quarantine. `proof`: how the person who acts has shown a
    moment ago who they are (`anlan.model.warning.PROOFS`), "" where nobody asked."""

    house: House
    now: datetime
    drafts: list[Draft] = field(default_factory=list)
    touched: dict[str, None] = field(default_factory=dict)
    accepted: int = 0
    held: list[str] = field(default_factory=list)
    proof: str = ""
    undo: list[Callable[[], None]] = field(default_factory=list)

    @property
    def state(self) -> State:
        return self.house.state

    @property
    def pack(self) -> Pack:
        return self.house.pack

    def put(
        self,
        kind: str,
        value: Value,
        risk: str = "",
        cause: Sequence[str] = (),
        actor: str = SYSTEM.name,
        why: Reason | None = None,
    ) -> None:
        """Decide: `kind` is `<noun>.<verb>`, `value` the subject's whole new value."""
        subject = value.source if isinstance(value, SourceState) else value.id
        text = why.text if why else None
        self.undo.append(self.state.put(subject, value))
        self.drafts.append(Draft(kind, subject, risk, actor, value, tuple(cause), text))

    def commit(self, cursor: str | None = None) -> tuple[Entry, ...]:
        """Durable when it returns; with `cursor` the replay's position in the same transaction."""
        mark = None if cursor is None else (CURSOR, cursor)
        entries = self.house.journal.append(self.drafts, self.now, cursor=mark)
        self.state.head += len(entries)
        self.drafts.clear()
        self.undo.clear()
        return entries

    def take_back(self, drafts: int) -> None:
        """Undo all but the first `drafts` decisions, in the state too: an act that fails half-way leaves
        nothing behind."""
        while len(self.drafts) > drafts:
            self.drafts.pop()
            self.undo.pop()()
