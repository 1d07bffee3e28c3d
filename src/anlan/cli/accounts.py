"""`anlan account`: local accounts of a workspace, and the keys of machines that push."""

from __future__ import annotations

import getpass
import hashlib
import json
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from anlan.cli.output import out
from anlan.model.errors import InvalidValue, NotAllowed, StoreUnavailable, WrongState

if TYPE_CHECKING:
    from anlan.model.pack import Pack
    from anlan.store.accounts import Accounts

app = App(name="account", help="Local accounts: the pack names the users, the workspace their passwords.")
KEYS = "keys"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@contextmanager
def _open(workspace: Path) -> Iterator[tuple[Pack, Accounts]]:
    """The pack and the accounts; a service may run on the workspace meanwhile."""
    from anlan.app.config import read_config
    from anlan.app.people import open_accounts
    from anlan.packs.load import load_pack
    from anlan.packs.paths import pack_path

    config = read_config(workspace)
    pack = load_pack(config.pack, (*(Path(folder) for folder in config.packs), *pack_path()))
    accounts = open_accounts(workspace, config)
    try:
        yield pack, accounts
    finally:
        accounts.close()


@app.command
def set(name: str, *, workspace: Path) -> int:
    """Set a user's password, asked for twice, or read from the standard input when that is no terminal.

    A service that runs knows it at once; the user's sessions end.

    Parameters
    ----------
    name
        A user of the pack.
    workspace
        The workspace.
    """
    with _open(workspace.resolve()) as (pack, accounts):
        if name not in pack.users:
            raise InvalidValue(
                "the pack has no such user",
                where="account",
                found=name,
                expected=", ".join(sorted(pack.users)),
            )
        if sys.stdin.isatty():
            password = getpass.getpass("Password: ")
            if getpass.getpass("Again: ") != password:
                out.print("The two differ; nothing was changed.")
                return 2
        else:
            password = sys.stdin.readline().rstrip("\n")
        if name in accounts.names():
            accounts.set_password(name, password)
        else:
            accounts.create(name, password)
    out.print(f"The password of {name} is set.", markup=False)
    return 0


@app.command(name="list")
def list_(*, workspace: Path) -> int:
    """Users of the pack, and which of them can sign in.

    Parameters
    ----------
    workspace
        The workspace.
    """
    with _open(workspace.resolve()) as (pack, accounts):
        known = accounts.names()
        for name, user in sorted(pack.users.items()):
            roles = ", ".join(f"{g.role} at {g.place}" for g in user.grants)
            state = "can sign in" if name in known else "no password yet"
            out.print(f"{name}\t{user.organ}\t{roles}\t{state}", markup=False)
    return 0


@app.command
def authenticator(name: str, *, workspace: Path) -> int:
    """Set up an authenticator for a user who approves: prints the secret as a QR code and as text, asks for a
    code of it (or reads one from the standard input), then prints the recovery codes, once.

    Parameters
    ----------
    name
        A user with an account.
    workspace
        The workspace.
    """
    import segno

    from anlan.app.clock import WallClock

    with _open(workspace.resolve()) as (pack, accounts):
        made = accounts.enrol(name, f"anlan {pack.id}")
        if sys.stdout.isatty():
            segno.make(made.uri, error="m").terminal(compact=True)
        out.print(f"secret\t{made.secret}\nuri\t{made.uri}", markup=False)
        code = input("Code: ") if sys.stdin.isatty() else sys.stdin.readline()
        codes = accounts.confirm_enrolment(name, code, WallClock().now())
    out.print(f"The authenticator of {name} is in force. Recovery codes, each good once:", markup=False)
    for one in codes:
        out.print(one, markup=False)
    return 0


@app.command
def sealing_key(file: Path) -> int:
    """Make a key that seals the secrets of authenticators, in a file that its owner alone can read, and print
    the setting that names it. Keep it apart from the workspace and from its backups.

    Parameters
    ----------
    file
        Where the key goes; nothing is overwritten.
    """
    from anlan.store.sealing import new_key

    path = file.resolve()
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(f"{new_key()}\n", encoding="ascii")
    except FileExistsError:
        raise WrongState("there is a file already", where=str(path), mend="choose another name") from None
    except OSError as error:
        raise StoreUnavailable("the key cannot be kept", where=str(path), found=str(error)) from error
    out.print(f"second_factor_keys = [{{ file = {json.dumps(str(path))} }}]", markup=False)
    return 0


@app.command
def reseal(*, workspace: Path) -> int:
    """Seal with the present key what secret of an authenticator is kept plainly or under an earlier key, as
    every start of the service does. The earlier key can then go. Exits with 1 where a secret stays shut.

    Parameters
    ----------
    workspace
        The workspace.
    """
    with _open(workspace.resolve()) as (_, accounts):
        done, shut = accounts.reseal()
        plain = accounts.plain()
    out.print(f"{done} secrets sealed anew, {plain} kept plainly, {len(shut)} shut.", markup=False)
    for name in shut:
        out.print(f"no key opens the secret of {name}", markup=False)
    return 1 if shut else 0


@app.command
def reset(name: str, *, workspace: Path) -> int:
    """Take a user's authenticator away, for a device that is lost: the user cannot approve until there is
    another.

    Parameters
    ----------
    name
        A user with an account.
    workspace
        The workspace.
    """
    with _open(workspace.resolve()) as (_, accounts):
        accounts.remove_authenticator(name)
    out.print(f"{name} has no authenticator any more.", markup=False)
    return 0


@app.command
def code(name: str, *, workspace: Path) -> int:
    """Print the present one-time code of an account of a demonstration or an exercise, whose users have no
    device; one without an authenticator is lent one. Refused in a live workspace.

    Parameters
    ----------
    name
        A user with an account.
    workspace
        The workspace.
    """
    from anlan.app.clock import WallClock
    from anlan.app.config import read_config
    from anlan.app.people import lend_authenticator

    folder = workspace.resolve()
    if read_config(folder).mode == "live":
        raise NotAllowed(
            "codes of a live workspace are shown by their owners' devices only", where=str(folder)
        )
    with _open(folder) as (pack, accounts):
        lend_authenticator(accounts, name, pack.id, WallClock().now())
        out.print(accounts.present_code(name, WallClock().now()), markup=False)
    return 0


@app.command
def key(name: str, *, workspace: Path) -> int:
    """Make a key with which a machine may push observations, and print it, once: only its SHA-256 is
    kept (in the file `keys` of the workspace). A service that runs knows it after its next start.

    Parameters
    ----------
    name
        The machine, as the journal will name it.
    workspace
        The workspace.
    """
    from anlan.app.config import read_config

    folder = workspace.resolve()
    read_config(folder)
    if not _NAME.fullmatch(name):
        raise InvalidValue(
            "not a name for a key",
            where="account key",
            found=repr(name),
            expected="letters, digits, dots, hyphens and underscores, at most 64",
        )
    path = folder / KEYS
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if any(line.split()[:1] == [name] for line in lines):
            raise WrongState(
                "there is a key of that name",
                where=str(path),
                found=name,
                mend="remove its line first, or choose another name",
            )
        made = secrets.token_urlsafe(32)
        path.touch(mode=0o600)
        lines.append(f"{name} {hashlib.sha256(made.encode()).hexdigest()}")
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable("the key cannot be kept", where=str(path), found=str(error)) from error
    out.print(made, markup=False)
    return 0
