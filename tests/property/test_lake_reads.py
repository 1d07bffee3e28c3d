"""The fast way to read the lake equals the plain way, whatever was written in whatever order."""

from __future__ import annotations

import math
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.model.observation import Observation
from anlan.model.place import Point
from anlan.model.provenance import Provenance
from anlan.store.lake import DeltaLake
from anlan.store.lake_rows import content_key

T0 = datetime(2019, 12, 20, tzinfo=UTC)

observations = st.builds(
    lambda place, event, at, known, value, point, line: Observation(
        "cases",
        place,
        T0 + timedelta(days=at),
        T0 + timedelta(days=at + known),
        value,
        "{case}",
        Provenance("s", "r", line),
        event=event,
        point=point,
    ),
    st.sampled_from(["a", "a/1", "b", "乙", "b\x00c"]),
    st.sampled_from(["", "", "e1", "e2"]),
    st.integers(0, 25),
    st.integers(0, 4),
    st.none() | st.sampled_from([0.0, -0.0, 1.5, 2.0, 1e308]),
    st.none() | st.just(Point(1.0, 2.0, None)) | st.just(Point(1.0, 2.0, 3.0)),
    st.none() | st.integers(1, 9),
)


@settings(max_examples=15, deadline=None)
@given(
    batches=st.lists(st.lists(observations, max_size=12), min_size=1, max_size=5),
    days=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    places=st.none() | st.lists(st.sampled_from(["a", "a/1", "b", "b\x00c", "none"]), max_size=3),
    since=st.none() | st.integers(0, 25),
    until=st.none() | st.integers(0, 26),
)
def test_memory_and_files_give_the_same_slice(
    batches: list[list[Observation]],
    days: list[int],
    places: list[str] | None,
    since: int | None,
    until: int | None,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = DeltaLake.open(Path(folder))
        kept: dict[bytes, Observation] = {}
        for batch in batches:
            lake.append(batch)
            kept.update({_key(item): item for item in batch})
            for day in days:
                window = {
                    "known": T0 + timedelta(days=day),
                    "places": places,
                    "since": None if since is None else T0 + timedelta(days=since),
                    "until": None if until is None else T0 + timedelta(days=until),
                }
                fast, plain = lake.read("cases", **window), lake.read_files("cases", **window)  # type: ignore[arg-type]
                assert lake.digest(fast) == lake.digest(plain)
                assert _rows(fast) == _oracle(kept, **window)  # type: ignore[arg-type]
        assert lake.indicators().get("cases", 0) == len(kept)
        lake.close()


@given(observations, observations)
def test_equal_content_has_an_equal_key_and_other_content_another(one: Observation, two: Observation) -> None:
    def content(item: Observation) -> tuple[object, ...]:
        return (
            item.indicator,
            item.place,
            item.event,
            item.at,
            item.known,
            item.value,
            item.unit,
            item.point,
        )

    assert (_key(one) == _key(two)) == (content(one) == content(two))


def _key(item: Observation) -> bytes:
    from anlan.store.lake_rows import micros

    return content_key(
        item.indicator,
        item.place,
        item.event,
        micros(item.at),
        micros(item.known),
        item.value,
        item.unit,
        item.point,
    )


def _rows(found: object) -> list[tuple[object, ...]]:
    return [
        (place, event, int(at), None if math.isnan(value) else float(value))
        for place, event, at, value in zip(
            found.place,  # type: ignore[attr-defined]
            found.event,  # type: ignore[attr-defined]
            found.at.astype("int64"),  # type: ignore[attr-defined]
            found.value,  # type: ignore[attr-defined]
            strict=True,
        )
    ]


def _oracle(
    kept: dict[bytes, Observation],
    *,
    known: datetime,
    places: list[str] | None,
    since: datetime | None,
    until: datetime | None,
) -> list[tuple[object, ...]]:
    from anlan.store.lake_rows import micros

    newest: dict[tuple[str, str, datetime], tuple[datetime, bytes, float | None]] = {}
    for key, item in kept.items():
        if (
            item.known <= known
            and (places is None or item.place in places)
            and (since is None or item.at >= since)
            and (until is None or item.at < until)
        ):
            group = (item.place, item.event, item.at)
            rank = (item.known, key, item.value)
            if group not in newest or rank[:2] > newest[group][:2]:
                newest[group] = rank
    return [(place, event, micros(at), newest[place, event, at][2]) for place, event, at in sorted(newest)]
