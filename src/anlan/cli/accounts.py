"""`anlan account`: local accounts of a workspace."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from cyclopts import App

from anlan.app.clock import WallClock
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.cli.output import out

app = App(name="account", help="Local accounts: the pack names the users, the workspace their passwords.")


@app.command
def set(name: str, *, workspace: Path) -> int:
    """Set a user's password, asked for twice, or read from the standard input when that is no terminal.

    Parameters
    ----------
    name
        A user of the pack.
    workspace
        The workspace.
    """
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            out.print("The two differ; nothing was changed.")
            return 2
    else:
        password = sys.stdin.readline().rstrip("\n")
    desk = RunningDesk(RunningHouse(workspace.resolve(), WallClock()))
    try:
        desk.set_password(name, password)
    finally:
        desk.close()
    out.print(f"The password of {name} is set.")
    return 0


@app.command(name="list")
def list_(*, workspace: Path) -> int:
    """Users of the pack, and which of them can sign in.

    Parameters
    ----------
    workspace
        The workspace.
    """
    desk = RunningDesk(RunningHouse(workspace.resolve(), WallClock()))
    try:
        known = desk.accounts.names()
        for name, user in sorted(desk.pack.users.items()):
            roles = ", ".join(f"{g.role} at {g.place}" for g in user.grants)
            state = "can sign in" if name in known else "no password yet"
            out.print(f"{name}\t{user.organ}\t{roles}\t{state}", markup=False)
    finally:
        desk.close()
    return 0
