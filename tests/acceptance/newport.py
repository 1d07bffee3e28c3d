"""The demonstration's outbreak of Salmonella Newport, replayed into a workspace with real peers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anlan.app.demo import prepare
from anlan.model.entry import Entry
from anlan.store.journal import SqlJournal

HAZARD = "demo.salmonellosis"


@dataclass(frozen=True)
class Told:
    """A workspace after its replay, with its journal read once."""

    workspace: Path
    entries: tuple[Entry, ...]
    head: str

    def of(self, kind: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == kind]


def replayed(workspace: Path) -> Told:
    """The scenario `newport-short` from beginning to end; a finished one is only read."""
    demo = prepare(workspace, "demo", scenario="newport-short")
    try:
        demo.run()
    finally:
        demo.close()
    return read(workspace)


def read(workspace: Path) -> Told:
    """What the journal of a workspace says."""
    journal = SqlJournal(f"sqlite:///{workspace / 'journal.sqlite'}", create=False)
    try:
        return Told(workspace, tuple(journal.read()), journal.head()[1])
    finally:
        journal.close()
