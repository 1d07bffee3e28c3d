"""The schemas accept what the reader accepts and refuse what it refuses."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from anlan.packs.schema import pack_fields, schema, write_schemas
from anlan.packs.tables import TOML_FILES, matches
from sample_pack import FILES

SAMPLES = [file for file in FILES if file.endswith(".toml")]


def as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_json(part) for part in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def validator(file: str) -> Draft202012Validator:
    kind = next(kind for kind in TOML_FILES if matches(kind.pattern, file))
    return Draft202012Validator(schema(kind), format_checker=FormatChecker())


@pytest.mark.parametrize("file", SAMPLES)
def test_the_sample_fits_its_schema(file: str) -> None:
    document = as_json(tomllib.loads(FILES[file]))
    assert [error.message for error in validator(file).iter_errors(document)] == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("domains/water/rules.toml", "hold =", "holds ="),
        ("domains/water/rules.toml", 'detector = "threshold"\n', ""),
        ("domains/water/rules.toml", 'hold = "P1D"', 'hold = "P1M"'),
        ("domains/water/rules.toml", 'measure = "value"', 'measure = "worth"'),
        ("domains/water/rules.toml", "at_least = 4.0", 'at_least = "4"'),
        ("organs.toml", "[1, 2]", "[1, 9]"),
        ("duties.toml", "from = 2010-01-01\n", ""),
        ("laws/act-2010.toml", "from = 2010-01-01\n", ""),
    ],
)
def test_what_the_reader_refuses_does_not_fit(file: str, old: str, new: str) -> None:
    document = as_json(tomllib.loads(FILES[file].replace(old, new)))
    assert not validator(file).is_valid(document)


def test_every_file_kind_has_a_schema_on_disk(tmp_path: Path) -> None:
    written = write_schemas(tmp_path / "schemas")
    assert len({path.name for path in written}) == len(TOML_FILES)
    for path in written:
        Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


def test_every_field_is_described() -> None:
    listed = pack_fields()
    assert [field for field in listed if not field.description] == []
    keys = {(field.file, field.table, field.key) for field in listed}
    assert len(keys) == len(listed)
    assert ("domains/*/rules.toml", "[[rule]]", "band.from") in keys
    assert ("duties.toml", "[[duty]]", "until") in keys
    assert ("places/*.csv", "row", "population_year") in keys
