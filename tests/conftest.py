"""Fixtures for every kind of test, and the order in which several workers take the files."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest

from anlan.cli.main import GARBAGE

ROOT = Path(__file__).resolve().parents[1]
# As a command does: packs and journals are read hundreds of times here.
gc.set_threshold(*GARBAGE)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the project, or a skip that names it."""
    folder = Path(os.environ.get("ANLAN_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no reference data: {folder} is not there (set ANLAN_SHARED to point at it)")
    return folder


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One worker more than cores: of the wall time of these tests a quarter is waiting, for a killed
    process to come back, a browser, a deadline."""
    cores = yield
    return cores if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else cores + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among several workers, the files of `longest_first.txt` in its order and then the others as they
    were found, so that no worker begins a long file when the rest have nothing left to do."""
    # thousands of tests and the modules stay to the end: no search for garbage need go through them
    gc.freeze()
    if not hasattr(config, "workerinput"):
        return
    lines = (ROOT / "tests/longest_first.txt").read_text().splitlines()
    order = {ROOT / line: n for n, line in enumerate(lines) if line and not line.startswith("#")}
    items.sort(key=lambda item: order.get(item.path, len(order)))
