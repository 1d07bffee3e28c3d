"""`anlan site`: the public site as a folder, without a service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from anlan.cli.output import out, say_json
from anlan.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from anlan.model.pack import Pack
    from anlan.model.state import State
    from anlan.ports.clock import Clock

app = App(
    name="site", help="The public site: what is in force, as pages and feeds that any web server publishes."
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the site is built from, read without a service."""

    pack: Pack
    clock: Clock
    mode: str
    shown: State
    cap: Callable[[str], bytes]

    def state(self) -> State:
        return self.shown


@app.command
def build(workspace: Path, folder: Path, *, json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Build the public site once, from the journal; a service may run on the workspace meanwhile.

    `anlan serve` keeps it up by itself, at /public/ and in the folder that `site.folder` names. This is for
    when it is down, or for another machine.

    Parameters
    ----------
    workspace
        The workspace.
    folder
        Where to put it; `current` in it is what to publish.
    json
        Print JSON.
    """
    from anlan.app.clock import WallClock
    from anlan.app.house import RunningHouse
    from anlan.cli.site import settings
    from anlan.web.bulletin import folder as folders
    from anlan.web.bulletin.edition import edition

    house = RunningHouse(workspace.resolve(), WallClock(), reading=True)
    try:
        warnings = house.state.warnings

        def cap(warning: str) -> bytes:
            return house.published(warnings[warning])

        seen = _Seen(house.pack, house.clock, house.config.mode, house.state, cap)
        made = edition(seen, settings(house.config))
        try:
            path = folders.write(made, folder)
        except OSError as error:
            raise StoreUnavailable(
                "the site cannot be written",
                where=str(folder),
                found=str(error),
                mend="choose another folder",
            ) from error
    finally:
        house.close()
    in_force = sum(b.standing == "in_force" for b in made.bulletins.values())
    if json:
        say_json({"folder": str(path), "files": len(made.files), "in_force": in_force, "live": made.live})
    else:
        out.print(
            f"{len(made.files)} files, {in_force} warnings in force: publish {folder / folders.CURRENT}",
            markup=False,
        )
    return 0
