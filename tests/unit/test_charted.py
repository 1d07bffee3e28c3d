"""The numbers of a chart: six digits of what is there, and nothing where nothing is."""

from __future__ import annotations

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anlan.analyse.charted import Row, document
from anlan.model.text import Text


def shown(values: list[float]) -> list[float | None]:
    blank = np.empty(0)
    row = Row(
        Text("a", "a"),
        np.array(values),
        blank,
        blank,
        blank.astype(np.int8),
        blank.astype(np.int16),
        coming=((0, values[0], values[0], values[0]),),
    )
    told = json.loads(json.dumps(document(["1"] * len(values), [], [row], Text("–", "–"))))
    (one,) = told["series"]
    assert one["coming"][0] == {"at": 0, **dict.fromkeys(("lower", "median", "upper"), one["values"][0])}
    found: list[float | None] = one["values"]
    return found


@given(st.lists(st.floats() | st.integers(-(10**9), 10**9).map(float), min_size=1))
def test_every_number_of_a_chart_has_six_digits_and_what_is_none_is_null(values: list[float]) -> None:
    assert shown(values) == [float(f"{v:.6g}") if math.isfinite(v) else None for v in values]
