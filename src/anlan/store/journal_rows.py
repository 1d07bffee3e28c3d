"""Drafts into rows and rows into entries."""

from __future__ import annotations

import json
import re
from datetime import datetime

from pydantic_core import PydanticSerializationError

from anlan.formats.values import adapter, canonical, from_json, to_json
from anlan.model.entry import NOUNS, Draft, Entry, Value
from anlan.model.errors import InvalidValue, Unreadable
from anlan.model.text import Text
from anlan.model.time import format_instant, parse_instant
from anlan.store.journal_chain import Row, digest_of

_KIND = re.compile(r"^[a-z]+(?:_[a-z]+)*\.[a-z]+(?:_[a-z]+)*$")


def to_row(draft: Draft, at: datetime, seq: int, previous: str, body: str) -> Row:
    """The row of a draft whose `body` has been made by `body_of`."""
    row = Row(
        seq=seq,
        at=format_instant(at),
        kind=draft.kind,
        subject=draft.subject,
        risk=draft.risk,
        actor=draft.actor,
        body=body,
        cause=canonical(list(draft.cause)).decode(),
        why=None if draft.why is None else to_json(draft.why).decode(),
        previous=previous,
        digest="",
    )
    return row._replace(digest=digest_of(row))


def to_entry(row: Row) -> Entry:
    """The entry of a stored row; Unreadable (naming the row) when the model no longer reads it."""
    where = f"journal row {row.seq}"
    noun = row.kind.partition(".")[0]
    if noun not in NOUNS:
        raise Unreadable("no such noun", where=where, found=row.kind, expected=", ".join(NOUNS))
    value: Value = from_json(NOUNS[noun], row.body, where)
    return Entry(
        seq=row.seq,
        at=parse_instant(row.at, where),
        kind=row.kind,
        subject=row.subject,
        risk=row.risk,
        actor=row.actor,
        value=value,
        cause=tuple(json.loads(row.cause)),
        why=None if row.why is None else from_json(Text, row.why, where),
        previous=row.previous,
        digest=row.digest,
    )


def body_of(draft: Draft, where: str) -> str:
    """Check a draft, and its value as canonical JSON; InvalidValue names the field at fault. The value
    must read back equal, so that what is folded after a restart is what was decided before it."""
    _check_kind(draft, where)
    for field, found in (("subject", draft.subject), ("actor", draft.actor)):
        if not found:
            raise InvalidValue("must not be empty", where=f"{where}.{field}")
    texts = [("subject", draft.subject), ("actor", draft.actor), ("risk", draft.risk)]
    texts += [(f"cause[{n}]", cause) for n, cause in enumerate(draft.cause)]
    for field, found in texts:
        if not found.isprintable():
            raise InvalidValue("an id must be printable", where=f"{where}.{field}", found=repr(found))
    where = f"{where}.value"
    try:
        # As `to_json`, but a field of the wrong type is an error here and not a warning.
        body = adapter(type(draft.value)).dump_json(draft.value, warnings="error").decode()
        same = from_json(type(draft.value), body, where)
    except (PydanticSerializationError, Unreadable) as error:
        raise InvalidValue(
            "the value cannot be stored and read back", where=where, found=str(error)
        ) from error
    if same != draft.value:
        raise InvalidValue(
            "the value does not read back equal",
            where=f"{where}.{_first_difference(draft.value, same)}",
            expected="tuples, UTC instants, and None (not NaN) for what is not known",
        )
    return body


def _check_kind(draft: Draft, where: str) -> None:
    noun = draft.kind.partition(".")[0]
    if not _KIND.match(draft.kind) or noun not in NOUNS:
        raise InvalidValue(
            "no such kind of entry",
            where=f"{where}.kind",
            found=repr(draft.kind),
            expected=f"<noun>.<verb> with a noun of {', '.join(NOUNS)}",
        )
    if type(draft.value) is not NOUNS[noun]:
        raise InvalidValue(
            "the kind does not fit the value",
            where=f"{where}.kind",
            found=f"{draft.kind} with a {type(draft.value).__name__}",
            expected=f"a {NOUNS[noun].__name__}",
        )


def _first_difference(value: Value, same: Value) -> str:
    for field in type(value).__dataclass_fields__:
        if getattr(value, field) != getattr(same, field):
            return field
    return "?"
