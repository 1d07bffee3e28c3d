"""The packs that come with anlan hold together, with the detectors that anlan has."""

from __future__ import annotations

from pathlib import Path

import pytest

from anlan.assess.surveys.registry import demands, described
from anlan.packs.check import check
from anlan.packs.load import load_pack
from anlan.packs.paths import SHARED, shared_folder

ROOT = Path(__file__).resolve().parents[2]
ABSENT = pytest.mark.skipif(
    not shared_folder().is_dir(),
    reason=f"no reference data: {shared_folder()} is not there (set ANLAN_SHARED to point at it)",
)


def reads_shared(pack: Path) -> bool:
    """True for a story that reads the reference data in place."""
    return any(SHARED in file.read_text("utf-8") for file in pack.glob("domains/*/sources.toml"))


SHIPPED = [
    pytest.param(path.parent.name, marks=[ABSENT] if reads_shared(path.parent) else [])
    for path in sorted((ROOT / "packs").glob("*/pack.toml"))
]
DETECTORS = described()


@pytest.mark.parametrize("id", SHIPPED)
def test_a_shipped_pack_has_no_fault(id: str) -> None:
    faults, _ = check(id, detectors=DETECTORS, demands=demands())
    assert [fault.sentence() for fault in faults] == []


@pytest.mark.parametrize("id", SHIPPED)
def test_a_shipped_pack_is_loaded_by_its_id(id: str) -> None:
    pack = load_pack(id)
    assert pack.id == id
