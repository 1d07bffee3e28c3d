"""`anlan roster`: who is on duty, and whether their contact works."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from anlan.cli.output import out, say_json

if TYPE_CHECKING:
    from anlan.model.pack import Pack
    from anlan.model.roster import Shift
    from anlan.model.state import State


def roster(workspace: Path, *, json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """List who has which watch now and next, with the last test of each contact; exit 1 where a watch has
    nobody, or a contact on duty was never, long not, or not successfully tested.

    Nothing is changed, and a service may run meanwhile. A test is sent from the page Roster of the console,
    or by the act `shift.test`: it needs a person.

    Parameters
    ----------
    workspace
        The workspace.
    json
        Print JSON, one array of shifts.
    """
    from anlan.app.clock import WallClock
    from anlan.app.house import RunningHouse
    from anlan.warn.roster import on_duty

    house = RunningHouse(workspace.resolve(), WallClock(), reading=True)
    try:
        now, state, pack = house.clock.now(), house.state, house.pack
    finally:
        house.close()
    shifts = sorted(
        (
            s
            for s in state.shifts.values()
            if s.status == "planned" and s.ends > now and s.watch in pack.watches
        ),
        key=lambda shift: (shift.watch, shift.begins, shift.id),
    )
    rows = [_row(shift, state, pack, now) for shift in shifts]
    empty = [id for id in sorted(pack.watches) if not on_duty(id, state, now)]
    if json:
        say_json(rows)
    else:
        for row in rows:
            old = ", too long ago" if row["test_due"] and row["tested"] else ""
            when = f" at {row['tested']}{old}" if row["tested"] else ""
            out.print(
                f"{row['watch']}  {'on duty' if row['on_duty'] else 'planned'}  {row['who']}  "
                f"{row['begins']} to {row['ends']}  {row['contact']} {row['contact_is']}  "
                f"test: {row['test'].replace('_', ' ')}{when}",
                markup=False,
            )
        for id in empty:
            out.print(f"{id}  nobody is on duty", markup=False)
        if not pack.watches:
            out.print("The pack names no post that must be manned.")
    bad = [
        row for row in rows if row["on_duty"] and (row["test_due"] or row["test"] in ("failed", "unanswered"))
    ]
    return 1 if empty or bad else 0


def _row(shift: Shift, state: State, pack: Pack, now: datetime) -> dict[str, Any]:
    from anlan.model.time import format_instant
    from anlan.warn.contact import tested
    from anlan.warn.roster import contact

    found = tested(shift.contact, state, now, pack.watches[shift.watch].test_every)
    return {
        "id": shift.id,
        "watch": shift.watch,
        "who": shift.who,
        "begins": format_instant(shift.begins),
        "ends": format_instant(shift.ends),
        "on_duty": shift.covers(now),
        "contact": shift.contact,
        "contact_is": contact(shift.contact, state),
        "test": found.outcome,
        "tested": format_instant(found.at) if found.at else "",
        "test_age_s": int((now - found.at).total_seconds()) if found.at else None,
        "test_due": found.due,
        "said": found.said,
    }
