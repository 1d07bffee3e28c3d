"""Nowcasts replayed on data with every published version, without look-ahead (`benchmarks/nowcast.py`)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def replay(root: Path, shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_nowcast", root / "benchmarks" / "nowcast.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.DATA = shared / "data"  # type: ignore[attr-defined]
    return module


def test_hus_admissions_of_2011_are_nearer_the_truth_than_as_known(replay: ModuleType) -> None:
    found = replay.ehec(small=True)
    assert found["many"]["mae"] < 0.95 * found["naive"]["mae"]
    assert found["many"]["coverage"] > 0.9
    assert found["bayes.trunc"]["coverage"] > 0.85


def test_influenza_admissions_are_nearer_the_truth_than_as_known(replay: ModuleType) -> None:
    found = replay.flu(small=True)
    assert found["many"]["n"] > 1500
    assert found["many"]["mae"] < 0.85 * found["naive"]["mae"]
    assert found["many"]["coverage"] > 0.85
