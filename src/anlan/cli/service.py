"""`anlan init`, `anlan serve`, `anlan doctor`."""

from __future__ import annotations

import logging
import platform
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from anlan import __version__
from anlan.cli.output import out, say_json
from anlan.model.errors import AnlanError, InvalidValue, WrongState
from anlan.model.text import LANGUAGES

if TYPE_CHECKING:
    from anlan.app.house import RunningHouse
    from anlan.formats.cap.signing import KeyRing
    from anlan.store.accounts import Accounts

_LOG = logging.getLogger("anlan.serve")
#: a signing key without a successor is told of so long before it ends
SIGNING_AHEAD = timedelta(days=30)


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
    from anlan.app import workspace as workspaces
    from anlan.app.config import MODES, read_config
    from anlan.packs.load import load_pack
    from anlan.packs.paths import is_path, pack_path

    if mode == "replay":
        raise WrongState("a replay makes its own workspace", mend="see: anlan demo")
    if mode not in MODES:
        raise InvalidValue("no such mode", where="--mode", found=mode, expected="live, exercise or test")
    if language not in LANGUAGES:
        raise InvalidValue(
            "no such language", where="--language", found=language, expected=" or ".join(LANGUAGES)
        )
    load_pack(pack, pack_path())
    if is_path(pack):
        # settings are read from elsewhere later
        pack = str(Path(pack).expanduser().resolve())
    path = workspaces.init(folder, pack, mode=mode, sender=sender, language=language, port=port)
    try:
        read_config(folder)
    except AnlanError:
        path.unlink()
        raise
    out.print(
        f"Made {path}. Next: set passwords with `anlan account set NAME --workspace {folder}`, "
        f"then `anlan serve {folder}`.",
        markup=False,
    )
    return 0


def serve(folder: Path) -> int:
    """Run a workspace live: sources, timers, delivery, console and API, until stopped.

    Parameters
    ----------
    folder
        The workspace.
    """
    from anlan.app.clock import WallClock
    from anlan.app.config import read_config
    from anlan.app.desk import RunningDesk
    from anlan.app.house import RunningHouse
    from anlan.app.keeper import Keeper
    from anlan.app.serve import listen, log_plainly
    from anlan.app.workspace import Lease
    from anlan.assess.detect.registry import specs
    from anlan.cli.site import application

    log_plainly()
    workspace = folder.resolve()
    if read_config(workspace).mode == "replay":
        raise WrongState(
            "this workspace is a replay",
            where=str(folder),
            mend="open it with: anlan demo --workspace FOLDER",
        )
    lease = Lease(workspace)
    house = RunningHouse(workspace, WallClock())
    # no turn is earlier than what is written, whatever became of the machine's clock
    house.clock = WallClock(house.journal.latest())
    desk = RunningDesk(house, lease)
    keeper = Keeper(desk)
    try:
        for channel in house.config.channel:
            house.channel(channel.id)
        for missing in _unreached(house):
            _LOG.warning("recipients of channel %s cannot be told: no such channel in anlan.toml", missing)
        app = application(desk)
        specs()  # detectors are loaded before the first value comes, not while its sender waits

        def ready(address: str) -> None:
            keeper.start()
            out.print(f"anlan serves {folder} at {address}", markup=False)

        listen(app, house.config.host, house.config.port, ready)
    finally:
        keeper.stop()
        desk.close()
    out.print("anlan has stopped.")
    return 0


def doctor(folder: Path | None = None, *, json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Say what this installation and a workspace have and lack; exit 1 where something must be mended.

    Parameters
    ----------
    folder
        A workspace to look into as well. It may be served meanwhile.
    json
        Print JSON.
    """
    from anlan.packs.paths import available, pack_path

    found: dict[str, Any] = {
        "anlan": __version__,
        "python": platform.python_version(),
        "packs": {id: str(path) for id, path in available(pack_path()).items()},
        "bundle": (Path(__file__).parents[1] / "web" / "static" / "bundle").is_dir(),
    }
    faults = [] if found["packs"] else ["no pack is installed"]
    if not found["bundle"]:
        faults.append("the console's pages are not built")
    if folder is not None:
        _look_into(folder.resolve(), found, faults)
    found["faults"] = faults
    if json:
        say_json(found)
    else:
        for name, value in found.items():
            if name != "faults":
                out.print(f"{name}: {value}", markup=False)
        for fault in faults:
            out.print(f"FAULT: {fault}", markup=False)
        out.print("something must be mended" if faults else "sound")
    return 1 if faults else 0


def _signing(keys: KeyRing, found: dict[str, Any], faults: list[str]) -> None:
    """The keys that sign messages: one must be in use, and another after it in time."""
    if not keys.keys:
        return
    found["signing"] = [f"{k.id} {k.since:%Y-%m-%d} to {k.until:%Y-%m-%d}" for k in keys.keys]
    now = datetime.now(UTC)
    if keys.at(now) is None:
        faults.append("no signing key is in use: messages leave unsigned")
    elif keys.at(now + SIGNING_AHEAD) is None:
        faults.append(f"no signing key is in use in {SIGNING_AHEAD.days} days: renew the certificate")


def _look_into(workspace: Path, found: dict[str, Any], faults: list[str]) -> None:
    """What a workspace has and lacks; every fault is told, not only the first."""
    from anlan.app.clock import WallClock
    from anlan.app.config import read_config
    from anlan.app.house import RESERVE, RunningHouse
    from anlan.app.people import open_accounts

    found["workspace"] = str(workspace)
    try:
        config = read_config(workspace)
        # a workspace that nobody has served yet has no stores to look into: they are made
        begun = bool(config.journal) or (workspace / "journal.sqlite").is_file()
        house = RunningHouse(workspace, WallClock(), config, reading=begun)
    except AnlanError as error:
        faults.append(error.sentence())
        return
    try:
        free = shutil.disk_usage(workspace).free
        found["free_mib"] = free // 1024 // 1024
        if free < RESERVE:
            faults.append(f"less than {RESERVE // 1024 // 1024} MiB are free: intake stops")
        found["pack"] = f"{house.pack.id} {house.pack.version}"
        found["mode"] = house.config.mode
        _signing(house.signed.keys, found, faults)
        found["served"] = _is_served(workspace)
        try:
            found["journal"] = {"entries": house.journal.verify(), "head": house.journal.head()[1]}
        except AnlanError as error:
            faults.append(error.sentence())
        found["lake"] = house.lake.indicators()
        found["quarantined"] = len(house.lake.quarantined("held"))
        found["sources"] = {
            id: house.state.sources[id].status if id in house.state.sources else "never"
            for id in sorted(house.pack.sources)
        }
        found["channels"] = {c.id: c.kind for c in house.config.channel}
        for channel in house.config.channel:
            try:
                house.channel(channel.id)
            except AnlanError as error:
                faults.append(error.sentence())
        found["channels_missing"] = _unreached(house)
        faults += [f"no channel {id}, which recipients of the pack have" for id in _unreached(house)]
        found["addresses_wrong"] = wrong = _misaddressed(house)
        faults += [f"{id} cannot be reached: {why}" for id, why in wrong.items()]
        names: set[str] = set()
        if (workspace / "accounts.sqlite").is_file():
            accounts = open_accounts(workspace, house.config)
            names = set(accounts.names())
            _seals(accounts, house.config.mode, found, faults)
            accounts.close()
        found["accounts"] = sorted(names & set(house.pack.users))
        found["push_keys"] = (workspace / "keys").is_file()
    except AnlanError as error:
        faults.append(error.sentence())
    finally:
        house.close()


def _seals(accounts: Accounts, mode: str, found: dict[str, Any], faults: list[str]) -> None:
    """How the secrets of authenticators are kept."""
    shut, plain = accounts.shut(), accounts.plain()
    found["authenticators"] = {"plain": plain, "shut": list(shut)}
    if shut:
        faults.append(f"no key of second_factor_keys opens the authenticators of {', '.join(shut)}")
    if plain and mode == "live":
        faults.append(
            f"{plain} secrets of authenticators are kept without a seal: make a key with "
            "`anlan account sealing-key FILE` and name it in second_factor_keys"
        )


def _unreached(house: RunningHouse) -> list[str]:
    """Channels that recipients have and the settings do not."""
    return sorted({r.channel for r in house.pack.recipients.values()} - {c.id for c in house.config.channel})


def _misaddressed(house: RunningHouse) -> dict[str, str]:
    """Recipients whose address is none for their channel, and why, as far as that shows without sending."""
    from anlan.ports.channel import Addressed

    found = {}
    for recipient in map(house.recipient, house.pack.recipients):
        try:
            channel = house.channel(recipient.channel)
        except AnlanError:
            # told already
            continue
        fault = channel.misaddressed(recipient.address) if isinstance(channel, Addressed) else ""
        if fault:
            found[recipient.id] = f"by {recipient.channel}: {fault}"
    return found


def _is_served(workspace: Path) -> bool:
    from anlan.app.workspace import Lease

    try:
        Lease(workspace).release()
    except WrongState:
        return True
    return False
