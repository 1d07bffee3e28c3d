"""A table as a source: parse what arrives, ask for what is new, replay what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from anlan.formats.observations import hold
from anlan.formats.table import BrokenRecord, Record, TableFile, read_csv, read_parquet
from anlan.formats.values import sha256
from anlan.model.errors import BadInput, Hostile, InvalidValue, Unreadable, WrongState
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.ports.source import Batch
from anlan.sources.batches import DAWN, by_known, unchanged, whole
from anlan.sources.registry import Kind
from anlan.sources.table.cells import Unusable
from anlan.sources.table.derive import derive
from anlan.sources.table.mapping import read_mapping
from anlan.sources.table.rows import Faulty, RowReader
from anlan.sources.tools import Tools, find_file


class TableSource:
    """CSV or Parquet. `known` of a row comes from its column, from `known_lag` after its `at`, or is
    when the table was received. A fetch brings the rows that became known since the fetch before."""

    def __init__(self, definition: SourceDef, tools: Tools) -> None:
        self.definition = definition
        self._mapping = read_mapping(definition)
        self._tools = tools
        self._limit = int(definition.options.get("limit_mb", 1000) * 1_000_000)
        self._digest = ""
        self._until: datetime | None = None
        self._waiting: list[Observation] = []
        self._values: dict[tuple[str, str, str, datetime], Observation] = {}
        if "url" in definition.options and tools.poller is None:
            raise InvalidValue(
                "an address needs a poller", where=f"source {definition.id}.options.url", expected="file"
            )

    def parse(self, raw: bytes, ref: str, known: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Source.parse."""
        try:
            observations, quarantined = self._read(raw, ref, known, known, pack)
        except BadInput as error:
            return whole(self.definition, raw, ref, known, error)
        return Batch(self.definition.id, known, tuple(observations), tuple(quarantined))

    def fetch(self, now: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Source.fetch. NotFound without its file, SourceUnreachable without its
        address. Rows that become known after `now` wait for a later fetch."""
        ref = str(self.definition.options.get("url") or self.definition.options.get("file") or "")
        if not ref:
            return unchanged(self.definition, now)
        try:
            raw = self._ask(ref, pack)
        except Hostile as error:
            return whole(self.definition, b"", ref, now, error)
        held: tuple[Quarantined, ...] = ()
        fresh = raw is not None and sha256(raw) != self._digest
        if raw is not None and fresh:
            self._digest = sha256(raw)
            batch = self.parse(raw, ref, now, pack)
            held = batch.quarantined
            self._waiting = [item for item in batch.observations if self._is_news(item)]
        due = [item for item in self._waiting if item.known <= now]
        self._waiting = [item for item in self._waiting if item.known > now]
        self._values.update({_what(item): item for item in due})
        if not due and not held and not fresh:
            return unchanged(self.definition, now)
        return Batch(self.definition.id, now, tuple(due), held)

    def history(self, pack: Pack) -> Iterator[Batch]:
        """As anlan.ports.source.Source.history: the file, or the files of `recorded`. InvalidValue for a
        table whose rows do not tell when they were known."""
        options = self.definition.options
        if not self._mapping.known_column and self._mapping.known_lag is None:
            raise InvalidValue(
                "a table without known or known_lag has no history",
                where=f"source {self.definition.id}.options",
                found="neither",
                expected="known or known_lag",
            )
        observations: list[Observation] = []
        quarantined: list[Quarantined] = []
        names = options.get("recorded") or ([options["file"]] if "file" in options else [])
        for name in names:
            raw = find_file(str(name), pack, f"source {self.definition.id}.options.file").read_bytes()
            try:
                found, held = self._read(raw, str(name), None, DAWN, pack)
            except BadInput as error:
                held = list(whole(self.definition, raw, str(name), DAWN, error).quarantined)
                found = []
            observations += found
            quarantined += held
        yield from by_known(self.definition, observations, quarantined)

    def whole(self, item: Quarantined) -> bytes:
        """As anlan.sources.push.source.PushSource.whole. WrongState for a record of a Parquet file, which
        is kept as text: read the file again."""
        if item.line is not None and self._mapping.format == "parquet":
            raise WrongState(
                "a record of a Parquet file cannot be tried alone",
                where=f"quarantine {item.id}",
                found=item.ref,
                expected="a record of a CSV file",
                mend="mend the file and read it again",
            )
        return item.raw

    def _ask(self, ref: str, pack: Pack) -> bytes | None:
        if "url" in self.definition.options and self._tools.poller is not None:
            answer = self._tools.poller.ask(ref)
            return None if answer.unchanged else answer.body
        path = find_file(ref, pack, f"source {self.definition.id}.options.file")
        if path.stat().st_size > self._limit:
            raise Hostile(
                "larger than this source may be",
                where=ref,
                found=f"{path.stat().st_size} bytes",
                expected=f"at most {self._limit}",
            )
        return path.read_bytes()

    def _is_news(self, item: Observation) -> bool:
        if self._mapping.known_column or self._mapping.known_lag is not None:
            return self._values.get(_what(item)) != item
        # without a `known` of its own, a row read again is news only when it says something else
        before = self._values.get(_what(item))
        return before is None or (before.value, before.point) != (item.value, item.point)

    def _open(self, raw: bytes, ref: str) -> TableFile:
        mapping = self._mapping
        if mapping.format == "parquet":
            table = read_parquet(raw, ref, columns=mapping.columns(), limit=self._limit)
        else:
            table = read_csv(
                raw, ref, encoding=mapping.encoding, delimiter=mapping.delimiter, limit=self._limit
            )
        missing = [name for name in mapping.columns() if name not in table.columns]
        if missing:
            raise MissingColumn(
                "a table without needed columns",
                where=ref,
                found=", ".join(table.columns),
                expected=", ".join(missing),
            )
        return table

    def _read(
        self, raw: bytes, ref: str, known: datetime | None, otherwise: datetime, pack: Pack
    ) -> tuple[list[Observation], list[Quarantined]]:
        """`known` stands for rows that tell none; `otherwise` for held rows of which it cannot be told."""
        table = self._open(raw, ref)
        reader = RowReader(self._mapping, table.columns, pack, self.definition.id, ref, sha256(raw))
        rows: dict[tuple[object, ...], tuple[Observation, Record]] = {}
        repeated: list[Observation] = []
        clashing: dict[tuple[object, ...], list[tuple[Observation, Record]]] = {}
        quarantined: list[Quarantined] = []
        left_out = seen = 0
        chosen = [(table.columns.index(name), texts) for name, texts in self._mapping.only.items()]
        for record in table.records:
            seen += 1
            if isinstance(record, Record) and any(
                str(record.cells[index]).strip() not in texts for index, texts in chosen
            ):
                left_out += 1
                continue
            if isinstance(record, BrokenRecord):
                wrong = Unusable("unreadable", "", record.message, record.found, record.expected)
                faulty = Faulty(Record(record.line, (), record.raw), wrong, None)
                quarantined.append(self._held(table, faulty, ref, otherwise))
                continue
            for found in reader.read(record, known):
                if isinstance(found, Faulty):
                    quarantined.append(self._held(table, found, ref, otherwise))
                    continue
                name: tuple[object, ...] = (*_what(found), found.known)
                first = rows.setdefault(name, (found, record))
                if first[0] is found:
                    continue
                if (first[0].value, first[0].point) == (found.value, found.point):
                    repeated.append(found)
                else:
                    clashing.setdefault(name, [first]).append((found, record))
        for clashed, clash in clashing.items():
            lines = ", ".join(str(record.line) for _, record in clash)
            quarantined += [self._clash(table, item, record, ref, lines) for item, record in clash]
            del rows[clashed]
        if left_out:
            quarantined.append(self._left_out(left_out, seen, ref, otherwise))
        kept = [item for item, _ in rows.values()]
        made: list[Observation] = []
        for derived in self._mapping.derived:
            more, unfit = derive(self.definition, derived, kept, ref, reader.digest, pack)
            made += more
            quarantined += unfit
        if self._mapping.derived_only:
            return made, quarantined
        again = [item for item in repeated if (*_what(item), item.known) in rows]
        return kept + again + made, quarantined

    def _left_out(self, count: int, seen: int, ref: str, known: datetime) -> Quarantined:
        """One row for all that the option `where` leaves out: how many, and why."""
        why = " and ".join(f"{name} in {sorted(texts)}" for name, texts in self._mapping.only.items())
        said = f"{ref}: {count} of {seen} rows left out: the source's `where` takes {why}"
        return hold(self.definition.id, ref, None, known, "left_out", said, said.encode())

    def _held(self, table: TableFile, faulty: Faulty, ref: str, otherwise: datetime) -> Quarantined:
        record, wrong = faulty.record, faulty.unusable
        return hold(
            self.definition.id,
            ref,
            record.line,
            faulty.known or otherwise,
            wrong.code,
            wrong.sentence(ref, record.line),
            table.header + record.raw,
            wrong.column,
        )

    def _clash(
        self, table: TableFile, item: Observation, record: Record, ref: str, lines: str
    ) -> Quarantined:
        wrong = Unusable(
            "conflicting_duplicate",
            "",
            f"{item.indicator} at {item.place} for {item.at.isoformat()} has other values on lines {lines}",
            item.value,
            "one value, or revisions with their own known",
        )
        return hold(
            self.definition.id,
            ref,
            record.line,
            item.known,
            wrong.code,
            wrong.sentence(ref, record.line),
            table.header + record.raw,
            item.indicator,
        )


class MissingColumn(Unreadable):
    """A table that lacks a column the mapping names."""

    reason_code = "missing_column"


def _what(item: Observation) -> tuple[str, str, str, datetime]:
    return item.indicator, item.place, item.event, item.at


KIND = Kind(Path(__file__).parent, TableSource)
