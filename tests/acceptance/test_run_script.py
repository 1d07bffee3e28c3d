"""`./run` on a fresh checkout: a real shell, real virtual environments, real installations.

The checkout is a small one (a package without dependencies, with a build backend of its own), so that a
first installation takes seconds and no network. How the true one installs is what `.ci/run` shows.
"""

from __future__ import annotations

import copy
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

BACKEND = '''
"""Builds an editable wheel of this folder, and counts how often."""
import pathlib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "anlan-0.1.0-py3-none-any.whl"
    info = "anlan-0.1.0.dist-info"
    files = {
        "anlan.pth": str(pathlib.Path("src").resolve()),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: anlan\\nVersion: 0.1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        f"{info}/entry_points.txt": "[console_scripts]\\nanlan = anlan.cli:main\\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    with open("built", "a") as count:
        count.write("once\\n")
    return name
'''
CLI = """
import os, sys
def main():
    print("anlan", *sys.argv[1:], "in", os.getcwd())
    return 7 if sys.argv[1:] == ["seven"] else 0
"""


class Checkout:
    """A folder with the true `run`, and what it needs to install something small."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        (folder / "locks").mkdir(parents=True)
        (folder / "src/anlan").mkdir(parents=True)
        shutil.copy(root / "run", folder / "run")
        shutil.copy(root / "packages.debian", folder / "packages.debian")
        (folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        )
        (folder / "backend.py").write_text(BACKEND)
        (folder / "src/anlan/__init__.py").write_text("")
        (folder / "src/anlan/cli.py").write_text(CLI)
        for lock in ("run", "dev"):
            (folder / f"locks/{lock}.lock").write_text("# nothing\n")

    def start(
        self, *arguments: str, cwd: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        environment = {
            "PATH": f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin",
            "HOME": str(self.folder.parent),
            "ANLAN_SYSTEM_PACKAGES": "no",
            **(settings or {}),
        }
        return subprocess.Popen(
            ["/bin/sh", str(self.folder / "run"), *arguments],
            cwd=cwd or self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(
        self, *arguments: str, cwd: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, cwd=cwd, settings=settings)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def built(self) -> int:
        """How many times the package was built."""
        count = self.folder / "built"
        return len(count.read_text().splitlines()) if count.exists() else 0

    def stamps(self) -> set[str]:
        return {path.name for path in self.folder.glob(".venv/anlan.*")}


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Checkout:
    return Checkout(root, tmp_path / "a folder with spaces" / "anlan")


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout(root, tmp_path_factory.mktemp("installed") / "a folder with spaces" / "anlan")
    result = made.run("demo")
    assert result.returncode == 0, result.stderr
    return made


def test_the_script_is_plain_posix_shell(root: Path) -> None:
    script = str(root / "run")
    subprocess.run(["/bin/sh", "-n", script], check=True)
    assert (root / "run").stat().st_mode & 0o111
    if dash := shutil.which("dash"):
        subprocess.run([dash, "-n", script], check=True)
    if shellcheck := shutil.which("shellcheck"):
        found = subprocess.run([shellcheck, "-s", "sh", script], capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout


def test_without_a_command_it_says_what_there_is(checkout: Checkout) -> None:
    result = checkout.run()
    assert result.returncode == 2
    for command in ("demo", "test", "check", "bench", "soak"):
        assert f"./run {command}" in result.stderr
    assert not (checkout.folder / ".venv").exists()


def test_commands_get_their_words_their_folder_and_a_clean_output(
    installed: Checkout, tmp_path: Path
) -> None:
    result = installed.run("explain", "R-1", "two words", cwd=tmp_path)
    assert result.stdout == f"anlan explain R-1 two words in {tmp_path}\n"
    assert result.stderr == ""
    assert installed.run("seven").returncode == 7


def test_nothing_is_installed_twice_and_the_second_call_is_quick(installed: Checkout) -> None:
    before = installed.built()
    began = time.monotonic()
    assert installed.run("demo").returncode == 0
    assert time.monotonic() - began < 2
    assert installed.built() == before


def test_a_symbolic_link_leads_to_the_checkout(installed: Checkout, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to(os.path.relpath(installed.folder / "run", tmp_path))
    second.symlink_to("first")
    result = subprocess.run([second, "demo"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout == f"anlan demo in {tmp_path}\n"


def test_changed_pages_build_again_and_changed_sources_need_not(installed: Checkout) -> None:
    before = installed.built()
    pages = installed.folder / "src/anlan/web/browser"
    pages.mkdir(parents=True)
    (pages / "main.ts").write_text("export {}\n")
    assert "building its pages" in installed.run("demo").stderr
    assert installed.built() == before + 1
    source = installed.folder / "src/anlan/cli.py"
    source.write_text(CLI.replace('"anlan"', '"changed"'))
    assert installed.run("demo").stdout.startswith("changed demo")
    assert installed.built() == before + 1
    source.write_text(CLI)


def test_two_first_calls_at_once_install_once(checkout: Checkout) -> None:
    calls = [checkout.start("demo") for _ in range(3)]
    results = [call.communicate(timeout=120) for call in calls]
    assert [call.returncode for call in calls] == [0, 0, 0], results
    assert checkout.built() == 1
    assert sum("waiting for it" in err for _, err in results) >= 1


def tiny_wheel(folder: Path) -> str:
    """Makes a wheel of the package `tiny`; its SHA-256."""
    folder.mkdir()
    wheel = folder / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as parts:
        parts.writestr("tiny.py", "")
        parts.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        parts.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        parts.writestr("tiny-1.dist-info/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_what_fails_leaves_no_stamp_and_is_tried_again(checkout: Checkout, tmp_path: Path) -> None:
    digest = tiny_wheel(tmp_path / "wheels")
    index = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": (tmp_path / "wheels").as_uri(),
        "PIP_CONFIG_FILE": os.devnull,
    }
    lock = checkout.folder / "locks/run.lock"

    lock.write_text("tiny==1\n")
    result = checkout.run("demo", settings=index)
    assert result.returncode == 1
    assert "hashes are required" in result.stderr.lower()
    assert "the next ./run tries again" in result.stderr

    lock.write_text(f"tiny==1 --hash=sha256:{'0' * 64}\n")
    result = checkout.run("demo", settings=index)
    assert result.returncode == 1
    assert "do not match the hashes" in result.stderr.lower()
    assert checkout.stamps() == {"anlan.home"}

    lock.write_text(f"tiny==1 --hash=sha256:{digest}\n")
    (checkout.folder / "backend.py").write_text("raise SystemExit('no pages today')\n")
    result = checkout.run("demo", settings=index)
    assert result.returncode == 1
    assert "no pages today" in result.stderr
    assert "building failed" in result.stderr
    assert checkout.stamps() == {"anlan.home", "anlan.run"}

    (checkout.folder / "backend.py").write_text(BACKEND)
    assert checkout.run("demo", settings=index).returncode == 0


def test_a_checkout_that_was_moved_prepares_itself_anew(installed: Checkout, tmp_path: Path) -> None:
    moved = copy.copy(installed)
    moved.folder = shutil.copytree(installed.folder, tmp_path / "elsewhere", symlinks=True)
    result = moved.run("demo")
    assert result.returncode == 0, result.stderr
    assert "making .venv" in result.stderr
    assert str(installed.folder) not in (moved.folder / ".venv/bin/anlan").read_text()


def tools_only(folder: Path, *without: str) -> Path:
    """A folder of programs for PATH that has what the script needs, but no Python."""
    folder.mkdir()
    for name in (
        "sh",
        "dirname",
        "readlink",
        "cat",
        "cksum",
        "sed",
        "grep",
        "date",
        "id",
        "find",
        "sort",
        "mv",
    ):
        if name not in without and (there := shutil.which(name)):
            (folder / name).symlink_to(there)
    return folder


def test_a_missing_python_is_named_with_the_command_that_mends_it(checkout: Checkout, tmp_path: Path) -> None:
    result = checkout.run("demo", settings={"PATH": str(tools_only(tmp_path / "bin"))})
    assert result.returncode == 1
    assert "Python 3.11 or newer is missing" in result.stderr
    assert "sudo apt-get install --no-install-recommends python3 python3-venv" in result.stderr
    assert not (checkout.folder / ".venv").exists()


def test_a_missing_venv_module_is_named_with_its_package(checkout: Checkout, tmp_path: Path) -> None:
    tools = tools_only(tmp_path / "bin")
    # Debian keeps ensurepip in a package of its own; a module that will not load is the same to the script.
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking/ensurepip.py").write_text("raise ImportError('not packaged')\n")
    python = tools / "python3"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}/lacking" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    result = checkout.run("demo", settings={"PATH": str(tools)})
    assert result.returncode == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt-get install --no-install-recommends python{version}-venv" in result.stderr


def test_a_python_too_old_is_not_taken(checkout: Checkout, tmp_path: Path) -> None:
    tools = tools_only(tmp_path / "bin")
    python = tools / "python3"
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    python.chmod(0o755)
    result = checkout.run("demo", settings={"PATH": str(tools)})
    assert "Python 3.11 or newer is missing" in result.stderr


def test_missing_benchmarks_are_refused_by_name(checkout: Checkout) -> None:
    for name in ("nothing", "../run", "-m"):
        result = checkout.run("bench", name)
        assert result.returncode == 1
        assert name in result.stderr
