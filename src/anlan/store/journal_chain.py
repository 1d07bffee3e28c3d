"""The chain of digests: what a row is worth, and what is wrong with it."""

from __future__ import annotations

from json.encoder import encode_basestring as _quoted
from typing import NamedTuple

from anlan.formats.values import sha256
from anlan.model.errors import AuditBroken

_RESTORE = "restore the journal from a backup that verifies"
_CUT = "where a backup was restored on purpose: anlan audit accept"


#: what is wrong with the end of a journal, which only its anchor shows
_ANCHORED = ("cut off", "not the row that was anchored")


class Row(NamedTuple):
    """A row as it is stored: every column text but `seq`; `digest` is over all the others."""

    seq: int
    at: str
    kind: str
    subject: str
    risk: str
    actor: str
    body: str
    cause: str
    why: str | None
    previous: str
    digest: str


def digest_of(row: Row) -> str:
    """SHA-256 over the canonical JSON of all columns but the digest, in the order of Row."""
    return sha256(_listed(row[:-1]))


def _listed(columns: tuple[int | str | None, ...]) -> bytes:
    """As `canonical(list(columns))`, for whole numbers, texts and nulls: a message to ten thousand makes ten
    thousand rows, and an encoder for every kind of document is most of their cost."""
    parts = [_quoted(one) if isinstance(one, str) else "null" if one is None else str(one) for one in columns]
    return f"[{','.join(parts)}]".encode()


class Chain:
    """Follows the chain row by row. `seq` and `digest` are those of the row before the first;
    `newest` is the number of the newest row."""

    def __init__(self, newest: int, seq: int = 0, digest: str = "") -> None:
        self.newest = newest
        self.seq = seq
        self.digest = digest

    def take(self, row: Row) -> None:
        """Check the next row against itself and against the one before; AuditBroken if it fails."""
        wanted = self.seq + 1
        if row.seq != wanted:
            raise broken(wanted, "removed", found=f"row {row.seq}", expected=f"row {wanted}")
        if not all(isinstance(column, str | None) for column in row[1:]):
            raise broken(wanted, "altered", found="a column that is not text")
        if digest_of(row) != row.digest:
            written = self._written_as(row)
            if written is not None:
                raise broken(wanted, "out of order", found=f"the row written as number {written}")
            raise broken(wanted, "altered", found=f"digest {digest_of(row)}", expected=row.digest)
        if row.previous != self.digest:
            raise broken(
                wanted, "not chained to the row before", found=row.previous or "none", expected=self.digest
            )
        self.seq, self.digest = row.seq, row.digest

    def _written_as(self, row: Row) -> int | None:
        """The number under which the row's own digest holds, if it was merely moved."""
        for number in range(1, self.newest + 1):
            if digest_of(row._replace(seq=number)) == row.digest:
                return number
        return None


def broken(seq: int, what: str, *, found: str = "", expected: str = "") -> AuditBroken:
    """The error for row `seq`."""
    return AuditBroken(
        f"the row is {what}",
        where=f"journal row {seq}",
        found=found,
        expected=expected,
        mend=f"{_RESTORE}; {_CUT}" if what.startswith(_ANCHORED) else _RESTORE,
    )
