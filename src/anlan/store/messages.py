"""The bytes of received messages, kept under their digest: what was received can be shown as it came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Column, LargeBinary, MetaData, Table, Text, insert, select

from anlan.formats.values import sha256
from anlan.model.errors import AuditBroken, NotFound
from anlan.model.time import format_instant
from anlan.store.journal_database import Database

_TABLES = MetaData()
_MESSAGES = Table(
    "messages",
    _TABLES,
    Column("digest", Text, primary_key=True),
    Column("known", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
#: so many digests are asked for at once
_AT_ONCE = 500


class SqlMessages:
    """In the journal's database at `url` but outside its chain: the journal's rows name the digests, so
    bytes that were changed are found. Bytes are written before the row that names them; what a kill leaves
    without a row is harmless and is found again under the same digest. `create` False: nothing is made,
    for those who only read."""

    def __init__(self, url: str, *, wait: float = 10.0, create: bool = True) -> None:
        self._database = Database(url, wait=wait, create=create)
        try:
            if create:
                self._database.prepare(_TABLES)
        except BaseException:
            self._database.close()
            raise

    def keep(self, messages: Mapping[str, bytes], now: datetime) -> int:
        """Durable when it returns; the number that was new. `messages`: SHA-256 -> bytes."""
        if not messages:
            return 0
        with self._database.writing("messages") as connection:
            wanted = list(messages)
            there: set[str] = set()
            for start in range(0, len(wanted), _AT_ONCE):
                part = wanted[start : start + _AT_ONCE]
                query = select(_MESSAGES.c.digest).where(_MESSAGES.c.digest.in_(part))
                there |= {row.digest for row in connection.execute(query)}
            rows = [
                {"digest": digest, "known": format_instant(now), "raw": raw}
                for digest, raw in messages.items()
                if digest not in there
            ]
            if rows:
                connection.execute(insert(_MESSAGES), rows)
        return len(rows)

    def read(self, digest: str) -> bytes:
        """The bytes; NotFound where they were never kept, AuditBroken where they are not what they were."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(_MESSAGES.c.raw).where(_MESSAGES.c.digest == digest)
            ).one_or_none()
        if row is None:
            raise NotFound("no message with this digest", where="messages", found=digest)
        raw = bytes(row.raw)
        if sha256(raw) != digest:
            raise AuditBroken("a received message is not what it was", where="messages", found=digest)
        return raw

    def close(self) -> None:
        """Close every connection."""
        self._database.close()
