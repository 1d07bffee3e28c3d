"""A real PostgreSQL server for the tests, started as a user without rights and thrown away after."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest


@dataclass
class Cluster:
    """A running server that listens only on a socket in `folder`."""

    binaries: Path
    folder: Path
    as_user: tuple[str, ...]

    def command(self, program: str, *arguments: str) -> None:
        """Run one of the server's own programs on its data."""
        data = self.folder / "data"
        subprocess.run(
            [*self.as_user, str(self.binaries / program), "-D", str(data), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )

    def start(self) -> None:
        settings = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c max_connections=40"
        self.command("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", settings, "start")

    def crash(self) -> None:
        """End the server at once, as a loss of power would: nothing is flushed."""
        self.command("pg_ctl", "-w", "-m", "immediate", "stop")

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(
            host=str(self.folder), user="anlan", dbname=database, autocommit=True
        ) as connection:
            connection.execute(statement)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://anlan@/{database}?host={self.folder}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The server, or a skip that names what is missing."""
    found = [Path(path) for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if not found:
        pytest.skip("no PostgreSQL: initdb is neither on the path nor in /usr/lib/postgresql")
    as_user: tuple[str, ...] = ()
    folder = Path(tempfile.mkdtemp(prefix="anlan-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        # The server refuses to run as root.
        runuser = shutil.which("runuser", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
        if runuser is None:
            pytest.skip("root cannot start PostgreSQL without runuser (package util-linux)")
        as_user = (runuser, "-u", "nobody", "--")
        shutil.chown(folder, "nobody")
    server = Cluster(found[0].resolve().parent, folder, as_user)
    try:
        server.command("initdb", "-U", "anlan", "-A", "trust", "-E", "UTF8", "--no-locale")
        server.start()
        yield server
        server.command("pg_ctl", "-w", "-m", "fast", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(cluster: Cluster) -> Callable[[], str]:
    """Makes an empty database; its name."""
    numbers = count(1)

    def make() -> str:
        name = f"journal_{next(numbers)}"
        cluster.execute(f"CREATE DATABASE {name}")
        return name

    return make
