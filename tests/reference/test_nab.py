"""The scoring code against the published scores of NAB (shared/reference/detect/nab)."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from numpy.testing import assert_allclose

from anlan.review.nab import normalised

#: scores of the stored results over these 14 files, as the folder's README works them out
LADDER = {
    "ARTime": 73.6, "numenta": 66.9, "contextOSE": 62.7, "htmjava": 62.5, "relativeEntropy": 62.1,
    "numentaTM": 60.9, "randomCutForest": 51.9, "earthgeckoSkyline": 51.4, "knncad": 47.2,
    "twitterADVec": 39.8, "skyline": 37.6, "windowedGaussian": 35.0, "expose": 23.1, "bayesChangePt": 18.0,
    "null": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def bench(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_nab", root / "benchmarks" / "nab.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_nab"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def published(shared: Path) -> list[dict[str, str]]:
    with (shared / "reference" / "detect" / "nab" / "published_scores_standard.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_published_ladder_follows_from_the_raw_scores(published: list[dict[str, str]]) -> None:
    assert {row["detector"] for row in published} == set(LADDER)
    for name, score in LADDER.items():
        raw = sum(float(row["raw_score"]) for row in published if row["detector"] == name)
        assert_allclose(normalised(raw, 33), score, atol=0.05)


def test_rows_windows_and_a_published_detector_have_the_published_scores(
    bench: ModuleType, published: list[dict[str, str]]
) -> None:
    files = bench.load(sorted({row["file"] for row in published}))
    assert len(files) == 14
    assert sum(file.worth.windows for file in files) == 33
    assert bench.parity(files, published)
    spoilt = [{**row, "raw_score": str(float(row["raw_score"]) + 1e-6)} for row in published]
    assert not bench.parity(files, spoilt)
