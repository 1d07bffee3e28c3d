"""`anlan init`, `anlan serve`, `anlan doctor`."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from anlan import __version__
from anlan.app import workspace as workspaces
from anlan.app.clock import WallClock
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.app.keeper import Keeper
from anlan.app.serve import listen
from anlan.cli.output import out, say_json
from anlan.cli.site import application
from anlan.model.errors import AnlanError, WrongState
from anlan.packs.load import load_pack
from anlan.packs.paths import available, pack_path


def init(
    folder: Path,
    *,
    pack: str = "cn",
    mode: str = "live",
    sender: str = "",
    language: str = "en",
    port: int = 8420,
) -> int:
    """Make a workspace: one folder with settings, journal, lake and feeds.

    Parameters
    ----------
    folder
        Where; it must not hold a workspace yet.
    pack
        Id or path of the pack to work with.
    mode
        live (messages are Actual), exercise or test.
    sender
        The CAP sender: an address or domain that is yours for good.
    language
        en or zh.
    port
        Where the console will listen.
    """
    if mode == "replay":
        raise WrongState("a replay makes its own workspace", mend="see: anlan demo")
    load_pack(pack, pack_path())
    path = workspaces.init(folder, pack, mode=mode, sender=sender, language=language, port=port)
    out.print(f"Made {path}. Next: set passwords with `anlan account set NAME`, then `anlan serve {folder}`.")
    return 0


def serve(folder: Path) -> int:
    """Run a workspace live: sources, timers, delivery, console and API, until stopped.

    Parameters
    ----------
    folder
        The workspace.
    """
    house = RunningHouse(folder.resolve(), WallClock())
    if house.config.mode == "replay":
        house.close()
        raise WrongState(
            "this workspace is a replay",
            where=str(folder),
            mend="open it with: anlan demo --workspace FOLDER",
        )
    newest = house.journal.latest()
    house.clock = WallClock(newest)
    desk = RunningDesk(house)
    keeper = Keeper(desk)
    keeper.start()
    out.print(f"anlan serves {folder} at http://{house.config.host}:{house.config.port}/")
    try:
        listen(application(desk), house.config.host, house.config.port)
    finally:
        keeper.stop()
        desk.close()
    return 0


def doctor(folder: Path | None = None, *, json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Say what this installation and a workspace have and lack.

    Parameters
    ----------
    folder
        A workspace to look into as well.
    json
        Print JSON.
    """
    found: dict[str, Any] = {
        "anlan": __version__,
        "python": platform.python_version(),
        "packs": {id: str(path) for id, path in available(pack_path()).items()},
        "bundle": (Path(__file__).parents[1] / "web" / "static" / "bundle").is_dir(),
    }
    sound = bool(found["packs"]) and found["bundle"]
    if folder is not None:
        found["workspace"] = str(folder.resolve())
        found["free_mib"] = shutil.disk_usage(folder).free // 1024 // 1024
        try:
            house = RunningHouse(folder.resolve(), WallClock())
            found["journal"] = {"entries": house.journal.verify(), "head": house.journal.head()[1]}
            found["lake"] = house.lake.indicators()
            found["quarantined"] = len(house.lake.quarantined("held"))
            found["channels"] = {c.id: c.kind for c in house.config.channel}
            missing = {r.channel for r in house.pack.recipients.values()} - set(found["channels"])
            found["channels_missing"] = sorted(missing)
            house.close()
        except AnlanError as error:
            found["fault"] = error.sentence()
            sound = False
    if json:
        say_json(found)
    else:
        for name, value in found.items():
            out.print(f"{name}: {value}")
    return 0 if sound else 1
