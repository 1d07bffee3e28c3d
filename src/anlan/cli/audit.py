"""`anlan audit` and `anlan explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from anlan.cli.output import out, say_json
from anlan.model.errors import AnlanError, AuditBroken, InvalidValue, NotFound, WrongState

if TYPE_CHECKING:
    from anlan.store.journal import SqlJournal

app = App(name="audit", help="The journal: is it whole, what does it say.")
Json = Annotated[bool, Parameter(name="--json")]


def _journal(workspace: Path) -> SqlJournal:
    from anlan.app.config import read_config
    from anlan.store.journal import SqlJournal

    url = read_config(workspace).journal or f"sqlite:///{workspace / 'journal.sqlite'}"
    return SqlJournal(url, create=False)


@app.command
def verify(workspace: Path, *, json: Json = False) -> int:
    """Check every row of the journal and the chain over them; exit 1 at the first bad one.

    Parameters
    ----------
    workspace
        The workspace.
    json
        Print JSON.
    """
    try:
        journal = _journal(workspace.resolve())
        try:
            rows = journal.verify()
            head = journal.head()
        finally:
            journal.close()
    except AnlanError as error:
        if json:
            # not sound, or not known to be
            sound = False if isinstance(error, AuditBroken) else None
            said = {"where": error.where, "found": error.found, "expected": error.expected}
            say_json({"sound": sound, "fault": error.message, **said, "mend": error.mend})
        raise
    if json:
        say_json({"rows": rows, "head": head[1], "sound": True})
    else:
        out.print(f"{rows} rows, chain sound, head {head[1]}")
    return 0


@app.command
def accept(workspace: Path, *, who: str, why: str, confirm: str = "") -> int:
    """Accept a journal whose anchor does not fit, such as one restored from a backup. Said once it
    tells what would be accepted and exits 1; said again with --confirm it anchors the journal as it
    stands, and writes down in it who accepted it and why. Rows that are lost stay lost.

    Parameters
    ----------
    workspace
        The workspace; nobody may serve it meanwhile.
    who
        Who has looked into it and accepts it.
    why
        Why the anchor does not fit, in words.
    confirm
        The word that the first answer asks for.
    """
    from anlan.app.clock import WallClock
    from anlan.app.workspace import Lease
    from anlan.model.entry import Draft, Marker
    from anlan.model.text import Text

    for name, text in (("--who", who), ("--why", why)):
        if not text.strip():
            raise InvalidValue("must not be empty", where=name, found="an empty text")
    folder = workspace.resolve()
    lease = Lease(folder)
    try:
        journal = _journal(folder)
        try:
            fault = _fault(journal)
            rows = journal.verify(anchored=False)
            word = journal.head()[1][:12] or "empty"
            if confirm != word:
                if confirm:
                    raise InvalidValue(
                        "not this journal's word", where="--confirm", found=confirm, expected=word
                    )
                out.print(
                    f"{fault}\n\nThe {rows} rows that are there hold together. To accept them as the whole "
                    f"journal, say it again with --confirm {word}",
                    markup=False,
                )
                return 1
            detail = f"{rows} rows accepted: {fault}"
            marker = Marker(f"anchor:{rows}:{word}", "anchor_accepted", detail)
            draft = Draft("marker.anchor_accepted", marker.id, "", who, marker, (), Text(why, why))
            aside = journal.accept_head(draft, WallClock(journal.latest()).now())
        finally:
            journal.close()
    finally:
        lease.release()
    kept = f"; the anchor of before is kept as {aside}" if aside else ""
    out.print(f"{rows} rows accepted by {who}, which is row {rows + 1}{kept}", markup=False)
    return 0


def _fault(journal: SqlJournal) -> str:
    """What is wrong with the journal or its anchor; WrongState where nothing is."""
    try:
        journal.verify()
    except AuditBroken as error:
        return error.sentence()
    raise WrongState("the anchor fits: there is nothing to accept", where="audit accept")


@app.command
def log(workspace: Path, *, risk: str = "", after: int = 0, limit: int = 50, json: Json = False) -> int:
    """Print journal entries.

    Parameters
    ----------
    workspace
        The workspace.
    risk
        Only those of this risk.
    after
        Only those with a higher number.
    limit
        At most so many.
    json
        Print JSON.
    """
    journal = _journal(workspace.resolve())
    try:
        found = [e for e in (journal.by_risk(risk) if risk else journal.read(after=after)) if e.seq > after][
            :limit
        ]
    finally:
        journal.close()
    if json:
        say_json(
            [
                {
                    "seq": e.seq,
                    "at": e.at.isoformat(),
                    "kind": e.kind,
                    "subject": e.subject,
                    "risk": e.risk,
                    "actor": e.actor,
                    "digest": e.digest,
                }
                for e in found
            ]
        )
    else:
        for e in found:
            out.print(
                f"{e.seq:>6}  {e.at:%Y-%m-%d %H:%M:%S}  {e.kind:<24} {e.subject}  {e.actor}", markup=False
            )
    return 0


def explain(id: str, *, workspace: Path, json: Json = False) -> int:
    """How a finding, a risk, a warning, a task … came about, as known then, and the same computed
    again; exit 1 where the result differs.

    Parameters
    ----------
    id
        The id, as the console and the journal show it.
    workspace
        The workspace.
    json
        Print JSON.
    """
    from anlan.app.clock import VirtualClock, WallClock
    from anlan.app.explain import explain as explain_id
    from anlan.app.house import RunningHouse

    folder = workspace.resolve()
    house = RunningHouse(folder, WallClock(), reading=True)
    newest = house.journal.latest()
    if newest is None:
        house.close()
        raise NotFound("the journal is empty", where=str(folder))
    house.clock = VirtualClock(newest)
    try:
        found = explain_id(house, id)
    finally:
        house.close()
    if json:
        say_json(found)
    else:
        _print(found)
    return 0 if found["same"] else 1


def _print(found: dict[str, Any]) -> None:
    out.print(f"{found['id']}  (risk {found['risk'] or '–'})", markup=False)
    out.print("\nWhat led to it:")
    for line in found["chain"]:
        says = f"  {line['says']['en']}" if line["says"] else ""
        why = f"  [{line['why']['en']}]" if line["why"] else ""
        out.print(
            f"{line['seq']:>6}  {line['at']:<21} {line['kind']:<22} {line['subject']:<15} "
            f"{line['actor']}{says}{why}",
            markup=False,
        )
    for basis in found["basis"]:
        out.print(f"\nBasis {basis['basis']}: {basis['law_en']}. {basis['gist_en']}", markup=False)
    for id, grounds in found["grounds"].items():
        out.print(f"\n{id} rests on:", markup=False)
        for ground in grounds:
            out.print(f"  {ground['en']}", markup=False)
    for id, rows in found["observations"].items():
        values = ", ".join(
            f"{r['at'][:10]}={'–' if r['value'] is None else r['value']:g}"
            if r["value"] is not None
            else f"{r['at'][:10]}=–"
            for r in rows
        )
        out.print(f"\nKnown then to {id}: {values}", markup=False)
    out.print("\nComputed again:")
    for check in found["recomputed"]:
        verdict = "the same bytes" if check["same"] else f"DIFFERS: {check['why']}"
        out.print(
            f"  {check['what']:<8} {check['id']:<16} {check.get('digest', '')[:16]}…  {verdict}", markup=False
        )
