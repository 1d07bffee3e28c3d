"""Every built-in kind of source passes the battery that plug-ins must pass."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from anlan.model.errors import InvalidValue, NotFound
from anlan.sources import registry
from anlan.sources.tools import Tools
from anlan.testing.check_source import check_history, check_source
from anlan.testing.drill_pack import drill_pack, drill_source

KNOWN = datetime(2017, 9, 14, 6, tzinfo=UTC)
TABLE = {"file": "weekly.csv", "place": "place", "at": "week_start", "at_format": "date", "value": "cases"}
OPTIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "table": (("cases",), {**TABLE, "known_lag": "P9D"}),
    "usgs": ((), {"recorded": ["all_hour.geojson"], "outside": "xx"}),
    "cap": ((), {"recorded": ["alert.xml"], "geocode_prefix": {"code": "xx/"}}),
    "push": ((), {"recorded": ["observations.json"]}),
    "mqtt": ((), {"host": "localhost", "subscribe": ["drill/#"], "recorded": ["observations.json"]}),
}


@pytest.mark.parametrize("kind", registry.BUILT_IN)
def test_a_built_in_source_conforms(kind: str) -> None:
    indicators, options = OPTIONS[kind]
    source = registry.build(drill_source(kind, indicators, **options))
    sample = registry.manifest(kind).sample
    pack = drill_pack(str(sample.parent))
    check_source(source, sample=sample.read_bytes(), ref=sample.name, known=KNOWN, pack=pack)
    assert check_history(source, pack)


@pytest.mark.parametrize("kind", registry.BUILT_IN)
def test_a_built_in_source_declares_itself_in_both_languages_with_its_maturity(kind: str) -> None:
    manifest = registry.manifest(kind)
    assert manifest.id == kind
    assert manifest.options and manifest.quality
    for state in manifest.quality.values():
        assert state.split(":")[0] in ("done", "todo", "exempt")


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="cap, mqtt, push, table, usgs"):
        registry.build(drill_source("telepathy"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({**TABLE, "colour": "red"}, "drill.options.colour: no such option"),
        ({**TABLE, "missing": "NA"}, "drill.options.missing: not of the option's type"),
        ({"file": "a.csv", "place": "=xx", "value": "v"}, "expected at"),
        ({key: value for key, value in TABLE.items() if key != "file"}, "expected file or url or recorded"),
        ({**TABLE, "file": "a.xls"}, "the name does not tell the format"),
        ({**TABLE, "timezone": "Mars/Olympus"}, "no such time zone"),
        ({**TABLE, "at_format": "weekly"}, "no such form of instants"),
        ({**TABLE, "known": "k", "known_lag": "P1D"}, "known is given twice"),
        ({**TABLE, "lon": "x"}, "half a point"),
        ({**TABLE, "known_lag": "P1M"}, "not a duration"),
        ({**TABLE, "url": "http://localhost/x.csv"}, "an address needs a poller"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        registry.build(drill_source("table", ("cases",), **options), Tools())


def test_an_installed_distribution_adds_a_kind_but_replaces_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gauge.py").write_text(
        "from pathlib import Path\n"
        "from anlan.sources.push.source import PushSource\n"
        "from anlan.sources.registry import Kind\n"
        "import anlan.sources.push as push\n"
        "KIND = Kind(Path(push.__file__).parent, PushSource)\n"
    )
    folder = tmp_path / "gauge-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: gauge\nVersion: 1\n")
    (folder / "entry_points.txt").write_text("[anlan.sources]\ngauge = gauge:KIND\npush = gauge:nothing\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry.kinds.cache_clear()
    try:
        assert set(registry.kinds()) == {*registry.BUILT_IN, "gauge"}
        assert registry.build(drill_source("gauge")).definition.kind == "gauge"
    finally:
        registry.kinds.cache_clear()


def test_the_battery_names_what_a_source_does_wrong() -> None:
    class Careless:
        definition = drill_source("push")

        def __init__(self) -> None:
            self.good = registry.build(self.definition)

        def parse(self, raw: bytes, ref: str, known: datetime, pack: Any) -> Any:
            if raw.startswith(b"{"):
                return self.good.parse(raw, ref, known, pack)
            raise ValueError("boom")

    sample = registry.manifest("push").sample.read_bytes()
    with pytest.raises(AssertionError, match="parse raises for nothing"):
        check_source(Careless(), sample=sample, ref="r", known=KNOWN, pack=drill_pack())  # type: ignore[arg-type]
