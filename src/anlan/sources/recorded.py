"""Recorded documents of a pack, for replay and for sources that read a file."""

from __future__ import annotations

from collections.abc import Iterator

from anlan.formats.table import gunzip
from anlan.model.errors import BadInput
from anlan.model.indicator import SourceDef
from anlan.model.pack import Pack
from anlan.sources.tools import find_file


def recorded(definition: SourceDef, pack: Pack, limit: int) -> Iterator[tuple[str, bytes, BadInput | None]]:
    """(name, content, None) of each file of the options `recorded`, or of `file`; where a file cannot be
    unpacked its bytes as they are, and why. NotFound when a file is not there."""
    options = definition.options
    names = options.get("recorded") or ([options["file"]] if "file" in options else [])
    for name in names:
        where = f"source {definition.id}.options.recorded"
        raw = find_file(str(name), pack, where).read_bytes()
        try:
            yield str(name), gunzip(raw, str(name), limit), None
        except BadInput as error:
            yield str(name), raw, error
