"""The append-only record of every decision, on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Text, column, func, insert, select, update, values

from anlan.model.entry import Draft, Entry
from anlan.model.errors import AuditBroken, InvalidValue, NotFound, WrongState
from anlan.model.time import format_instant, parse_instant, utc
from anlan.store.journal_anchor import ACCEPT, Anchor, AnchorFile
from anlan.store.journal_chain import Chain, Row, broken
from anlan.store.journal_database import Database
from anlan.store.journal_rows import body_of, to_entry, to_row
from anlan.store.journal_tables import CURSOR, JOURNAL, TABLES, TRIGGERS

_PAGE = 1_000
_COLUMNS = tuple(JOURNAL.c[name] for name in Row._fields)


class SqlJournal:
    """The journal at `url` (`sqlite:///FILE` or `postgresql+psycopg://…`), made if it is not there
    (`create` False: NotFound instead); implements anlan.ports.journal.Journal. The anchor is kept at
    `anchor`; by default beside a SQLite file, as FILE with the ending `.anchor`, and nowhere for
    PostgreSQL. `wait` (seconds) is how long a writer waits for its turn. Safe to use from several
    threads and processes."""

    def __init__(
        self, url: str, *, anchor: Path | None = None, wait: float = 10.0, create: bool = True
    ) -> None:
        self._database = Database(url, wait=wait, create=create)
        if anchor is None and self._database.file is not None:
            anchor = self._database.file.with_suffix(".anchor")
        self._file = AnchorFile(anchor, wait=wait) if anchor else None
        try:
            if not create:
                self._database.make_do()
            self._prepare(create)
        except BaseException:
            self._database.close()
            raise

    def append(
        self,
        drafts: Sequence[Draft],
        at: datetime,
        cursor: tuple[str, str] | None = None,
        *,
        after: int | None = None,
    ) -> tuple[Entry, ...]:
        """Append all drafts or none, in one transaction, durable on return. `cursor` (name, value) is
        moved in the same transaction. `after` is the newest row the drafts were decided on: WrongState
        when another row has been written since. InvalidValue for a draft that does not hold together
        or an `at` earlier than the newest row's. StoreUnavailable when disk or database do not allow
        it; then nothing is written, save that a server lost during its commit may have kept it whole.
        AuditBroken when rows are missing that once were there."""
        utc(at, "append.at")
        bodies = [body_of(draft, f"drafts[{n}]") for n, draft in enumerate(drafts)]
        if not drafts and cursor is None:
            return ()
        with self._file.moving() if self._file and drafts else nullcontext() as move:
            with self._database.writing("journal") as connection:
                rows = self._write(connection, drafts, bodies, at, after)
                if cursor is not None:
                    _set_cursor(connection, *cursor)
                if move is not None and rows:
                    move.ready(Anchor(rows[-1].seq, rows[-1].digest))
            if move is not None:
                move.done()
        return tuple(_entry(draft, row, at) for draft, row in zip(drafts, rows, strict=True))

    def read(self, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """Entries with `after` < seq <= `until` (by default the newest now), in order. Every row is
        checked against the chain before it is handed out: AuditBroken."""
        for row in self._rows(after, until):
            yield to_entry(row)

    def by_subject(self, subject: str) -> tuple[Entry, ...]:
        """All entries about one thing, in order."""
        return self._where(JOURNAL.c.subject == subject)

    def by_risk(self, risk: str) -> tuple[Entry, ...]:
        """All entries of one thread, from the first finding to the last lesson, in order."""
        return self._where(JOURNAL.c.risk == risk)

    def upto(self, at: datetime) -> int:
        """The number of the newest entry that is not after `at`; 0 where there is none. Entries never go back
        in time, so it is found by halving."""
        low, high = 0, self._newest().seq
        with self._database.reading() as connection:
            while low < high:
                middle = (low + high + 1) // 2
                said = connection.scalar(select(JOURNAL.c.at).where(JOURNAL.c.seq == middle))
                if said is None:
                    raise broken(middle, "removed", found="nothing", expected="a row")
                if parse_instant(said, "journal.at") <= at:
                    low = middle
                else:
                    high = middle - 1
        return low

    def newest_of(self, subjects: Sequence[str], until: int) -> dict[str, tuple[int, int]]:
        """Subject -> (number of its newest entry with seq <= `until`, number of its newest of all), of those
        that have the first. The rows themselves are not read."""
        found: dict[str, tuple[int, int]] = {}
        with self._database.reading() as connection:
            for first in range(0, len(subjects), _PAGE):
                part = [(subject,) for subject in subjects[first : first + _PAGE]]
                asked = values(column("subject", Text)).data(part).cte("asked")
                # two looks into the index a subject, however many rows it has
                newest_of = select(func.max(JOURNAL.c.seq)).where(JOURNAL.c.subject == asked.c.subject)
                then = newest_of.where(JOURNAL.c.seq <= until).scalar_subquery()
                query = select(asked.c.subject, then, newest_of.scalar_subquery())
                for subject, seq, newest in connection.execute(query):
                    if seq is not None:
                        found[str(subject)] = (int(seq), int(newest))
        return found

    def numbered(self, seqs: Sequence[int]) -> tuple[Entry, ...]:
        """The entries with these numbers, in order, each checked against its own digest."""
        wanted = sorted(seqs)
        pages = [wanted[first : first + _PAGE] for first in range(0, len(wanted), _PAGE)]
        return tuple(entry for page in pages for entry in self._where(JOURNAL.c.seq.in_(page)))

    def head(self) -> tuple[int, str]:
        """Number and digest of the newest entry; (0, "") when empty."""
        newest = self._newest()
        return newest.seq, newest.digest

    def latest(self) -> datetime | None:
        """The instant of the newest entry, before which nothing can be appended; None when empty."""
        with self._database.reading() as connection:
            at = connection.scalar(select(JOURNAL.c.at).order_by(JOURNAL.c.seq.desc()).limit(1))
        return None if at is None else parse_instant(at, "journal.at")

    def cursor(self, name: str) -> str | None:
        """The value last set under `name` by `append`."""
        with self._database.reading() as connection:
            return connection.scalar(select(CURSOR.c.value).where(CURSOR.c.name == name))

    def anchor(self) -> Anchor:
        """The newest row's number and digest, for a witness outside this machine."""
        return self._newest()

    def verify(self, expected_head: Anchor | None = None, *, anchored: bool = True) -> int:
        """Check every row, the chain, the pages of the file, the anchor beside the journal (unless
        `anchored` is False), and `expected_head` where an outside witness kept one. The number of rows;
        AuditBroken names the first bad row and says whether it was altered, removed, moved, or cut off at
        the end."""
        beside = self._anchored() if anchored else None
        kept = [anchor for anchor in (beside, expected_head) if anchor is not None]
        marks: Mapping[int, list[str]] = {a.seq: [b.digest for b in kept if b.seq == a.seq] for a in kept}
        count = 0
        for row in self._rows(0, None):
            count = row.seq
            if any(digest != row.digest for digest in marks.get(row.seq, ())):
                raise broken(row.seq, "not the row that was anchored: the journal was rewritten from here on")
        for anchor in sorted(kept, key=lambda anchor: anchor.seq):
            if anchor.seq > count:
                raise broken(
                    count + 1, "cut off at the end", found=f"{count} rows", expected=f"{anchor.seq} rows"
                )
        if faults := self._database.faults():
            raise AuditBroken(
                "every row verifies, but other pages of the database file are damaged (its indexes, mostly)",
                where=self._database.where,
                found="; ".join(faults),
                mend="check the disk; restore a backup, or rebuild the indexes (SQLite: REINDEX) and verify "
                "again",
            )
        return count

    def accept_head(self, draft: Draft, at: datetime) -> Path | None:
        """After an inquiry (such as a restored backup, which is older than its anchor): anchor the
        journal as it stands, with `draft` as its newest row, which says who accepted it and why. The old
        anchor is kept; its new name, or None if there was none. WrongState where the anchor fits, or
        where none is kept; AuditBroken where the rows themselves do not verify."""
        if self._file is None:
            raise WrongState("no anchor is kept for this journal", where=self._database.where)
        self.verify(anchored=False)
        try:
            self.verify()
        except AuditBroken:
            pass
        else:
            raise WrongState("the anchor fits: there is nothing to accept", where=str(self._file.path))
        bodies = [body_of(draft, "draft")]
        aside = self._file.copy_aside()
        with self._file.moving() as move:
            with self._database.writing("journal") as connection:
                (row,) = self._write(connection, [draft], bodies, utc(at, "accept_head.at"), None, cut=True)
                move.ready(Anchor(row.seq, row.digest))
            move.done()
        return aside

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def _prepare(self, create: bool) -> None:
        if not self._database.missing(TABLES):
            return
        # The anchor comes first: then rows without an anchor can only mean that somebody removed it.
        if self._file is not None:
            anchor = self._file.read()
            if anchor is not None and anchor.seq > 0:
                raise broken(1, "cut off at the end", found="no rows", expected=f"{anchor.seq} rows")
            if anchor is None and create:
                self._file.write(Anchor(0, ""))
        if not create:
            raise NotFound("there is no journal in this database", where=self._database.where)
        self._database.prepare(TABLES, TRIGGERS)

    def _write(
        self,
        connection: Connection,
        drafts: Sequence[Draft],
        bodies: Sequence[str],
        at: datetime,
        after: int | None,
        *,
        cut: bool = False,
    ) -> list[Row]:
        found = connection.execute(select(*_COLUMNS).order_by(JOURNAL.c.seq.desc()).limit(1)).first()
        newest = None if found is None else Row(*found)
        seq, digest = (0, "") if newest is None else (newest.seq, newest.digest)
        if after is not None and after != seq:
            raise WrongState(
                "the journal has moved on since this was decided",
                where="append.after",
                found=f"newest row {seq}",
                expected=f"newest row {after}",
                mend="read the new rows and decide again",
            )
        if newest is not None:
            # Nothing is chained to a row that does not hold itself.
            Chain(seq, seq - 1, newest.previous).take(newest)
        if newest is not None and at < parse_instant(newest.at, "journal.at"):
            raise InvalidValue(
                "an entry cannot be earlier than the newest one",
                where="append.at",
                found=format_instant(at),
                expected=f"{newest.at} or later",
                mend="check the clock",
            )
        if not cut:
            self._refuse_cut(connection)
        rows: list[Row] = []
        for draft, body in zip(drafts, bodies, strict=True):
            row = to_row(draft, at, seq + 1, digest, body)
            seq, digest = row.seq, row.digest
            rows.append(row)
        if rows:
            connection.execute(insert(JOURNAL), [row._asdict() for row in rows])
        return rows

    def _refuse_cut(self, connection: Connection) -> None:
        """Never append after a cut or rewritten tail: the next anchor would hide it."""
        anchor = self._anchored()
        if anchor is None or anchor.seq == 0:
            return
        digest = connection.scalar(select(JOURNAL.c.digest).where(JOURNAL.c.seq == anchor.seq))
        if digest != anchor.digest:
            raise broken(
                anchor.seq,
                "not the row that was anchored: rows were cut off or rewritten",
                found=digest or "none",
                expected=anchor.digest,
            )

    def _anchored(self) -> Anchor | None:
        if self._file is None:
            return None
        anchor = self._file.read()
        if anchor is None:
            raise AuditBroken(
                "the journal's anchor is gone",
                where=str(self._file.path),
                mend=f"restore it, or {ACCEPT}",
            )
        return anchor

    def _newest(self) -> Anchor:
        newest = select(JOURNAL.c.seq, JOURNAL.c.digest).order_by(JOURNAL.c.seq.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(newest).first()
        return Anchor(0, "") if row is None else Anchor(row.seq, row.digest)

    def _rows(self, after: int, until: int | None) -> Iterator[Row]:
        """Checked rows, a page at a time so that no transaction stays open between two of them."""
        with self._database.reading() as connection:
            newest = connection.scalar(select(func.max(JOURNAL.c.seq))) or 0
        last = newest if until is None else min(until, newest)
        chain = Chain(newest, after, self._digest(after))
        while chain.seq < last:
            page = self._page((JOURNAL.c.seq > chain.seq) & (JOURNAL.c.seq <= last), _PAGE)
            if not page:
                raise broken(chain.seq + 1, "removed", found="nothing", expected=f"rows up to {last}")
            for row in page:
                chain.take(row)
                yield row

    def _digest(self, seq: int) -> str:
        if seq <= 0:
            return ""
        with self._database.reading() as connection:
            return connection.scalar(select(JOURNAL.c.digest).where(JOURNAL.c.seq == seq)) or ""

    def _where(self, condition: ColumnElement[bool]) -> tuple[Entry, ...]:
        rows = self._page(condition, None)
        for row in rows:
            Chain(row.seq, row.seq - 1, row.previous).take(row)
        return tuple(to_entry(row) for row in rows)

    def _page(self, condition: ColumnElement[bool], limit: int | None) -> list[Row]:
        query = select(*_COLUMNS).where(condition).order_by(JOURNAL.c.seq).limit(limit)
        try:
            with self._database.reading() as connection:
                return [Row(*row) for row in connection.execute(query)]
        except AuditBroken as error:
            if limit == 1:
                raise
            self._blame(condition, error)
            raise

    def _blame(self, condition: ColumnElement[bool], error: AuditBroken) -> None:
        """Name the row that the database cannot even hand out."""
        numbers = select(JOURNAL.c.seq).where(condition).order_by(JOURNAL.c.seq)
        with self._database.reading() as connection:
            seqs = connection.scalars(numbers).all()
        for seq in seqs:
            try:
                self._page(JOURNAL.c.seq == seq, 1)
            except AuditBroken:
                raise broken(seq, "altered", found=error.found) from error


def _set_cursor(connection: Connection, name: str, value: str) -> None:
    moved = connection.execute(update(CURSOR).where(CURSOR.c.name == name).values(value=value))
    if moved.rowcount == 0:
        connection.execute(insert(CURSOR).values(name=name, value=value))


def _entry(draft: Draft, row: Row, at: datetime) -> Entry:
    return Entry(
        row.seq,
        at,
        draft.kind,
        draft.subject,
        draft.risk,
        draft.actor,
        draft.value,
        tuple(draft.cause),
        draft.why,
        row.previous,
        row.digest,
    )
