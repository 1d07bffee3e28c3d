"""EARS through an array module: NumPy everywhere, a GPU where there is one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from anlan.assess.detect.ears import Method, ears
from anlan.assess.detect.ears_baseline import gpu
from anlan.assess.detect.panel import Detection, Panel

AT = np.arange(30, 200)


@pytest.fixture(scope="module")
def panel() -> Panel:
    rng = np.random.default_rng(1)
    counts = rng.poisson(rng.uniform(0.1, 40, (30, 1)), (30, 200)).astype(np.float64)
    counts[:2] = [[3.0], [0.0]]
    counts[2, 60:63] = np.nan
    return Panel(counts, 365)


@pytest.mark.parametrize("method", ["C1", "C2", "C3"])
@pytest.mark.parametrize("least", [0.0, 1.5])
def test_the_array_form_gives_what_the_kernel_gives_bit_for_bit(
    panel: Panel, method: Method, least: float
) -> None:
    one = ears(panel, AT, method=method, min_sigma=least)
    two = ears(panel, AT, method=method, min_sigma=least, arrays=np)
    for field in fields(Detection):
        assert_array_equal(getattr(one, field.name), getattr(two, field.name), err_msg=field.name)


@pytest.mark.parametrize("method", ["C1", "C2", "C3"])
def test_a_gpu_gives_what_the_kernel_gives_to_rounding(panel: Panel, method: Method) -> None:
    try:
        arrays: Any = gpu()
    except (ImportError, RuntimeError) as missing:
        pytest.skip(str(missing))
    one, two = ears(panel, AT, method=method), ears(panel, AT, method=method, arrays=arrays)
    for field in fields(Detection):
        found, expected = getattr(two, field.name), getattr(one, field.name)
        assert_allclose(found, expected, rtol=1e-12, atol=1e-12, err_msg=field.name)


def test_without_a_gpu_what_is_missing_is_named() -> None:
    try:
        gpu()
    except (ImportError, RuntimeError) as missing:
        assert "needs CuPy: install anlan[gpu]" in str(missing) or "no GPU can be used" in str(missing)
    else:
        pytest.skip("there is a GPU")
