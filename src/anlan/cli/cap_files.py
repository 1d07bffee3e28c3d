"""Files, folders, archives and standard input as the messages inside, for `anlan cap`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from anlan.formats.cap.carried import is_other_text
from anlan.formats.cap.container import DOCUMENTS, Item
from anlan.formats.cap.frames import MOST_BODY
from anlan.formats.cap.look import Asked, Look, look
from anlan.formats.cap.profiles import DECLARED, PROFILES
from anlan.formats.cap.trust import Trust, read_trust
from anlan.formats.cap.worker import shared_worker
from anlan.model.errors import InvalidValue, NotFound

STDIN = "-"


def looks(paths: Sequence[str], asked: Asked, *, worker: bool) -> Iterator[Look]:
    """Every item of every file, in order; folders are walked by name, links in them not followed. What lies
    in a folder and is plainly no message (a README, a table) is told without an index. NotFound for a path
    that is not there, before anything is read."""
    for path in paths:
        if path != STDIN and not Path(path).exists():
            raise NotFound("no such file or folder", where="PATH", found=path)
    read = shared_worker().look if worker else look
    for path in paths:
        for file in _files(path):
            if isinstance(file, Look):
                yield file
                continue
            name, raw = file
            if Path(path).is_dir() and (why := _no_message(raw, name)):
                yield Look(Item(name, None, "", b"", "no_message", f"{name}: {why}"))
                continue
            yield from read(raw, name, asked)


def _no_message(raw: bytes, name: str) -> str:
    """Why what lies in a folder is plainly no message; empty where it may be one."""
    if not raw and Path(name).name.startswith("."):
        # such as the lock of a folder that a channel writes to
        return "a hidden file with nothing in it"
    return "text without a message in it" if is_other_text(raw) else ""


def _files(path: str) -> Iterator[tuple[str, bytes] | Look]:
    if path == STDIN:
        yield _bounded(STDIN, sys.stdin.buffer.read(MOST_BODY + 1))
        return
    if not Path(path).is_dir():
        yield _one(Path(path))
        return
    nothing = True
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            nothing = False
            file = Path(folder) / name
            if file.is_symlink():
                yield _refused(_name(file), "bad_input", "a link in a folder is not followed")
            elif file.is_file():
                yield _one(file)
            else:
                yield _refused(_name(file), "bad_input", "neither a file nor a folder")
    if nothing:
        named = _name(Path(path))
        yield Look(Item(named, None, "", b"", "no_message", f"{named}: a folder without files"))


def _one(path: Path) -> tuple[str, bytes] | Look:
    try:
        with path.open("rb") as file:
            return _bounded(_name(path), file.read(MOST_BODY + 1))
    except OSError as error:
        return _refused(_name(path), "unreadable", str(error.strerror))


def _name(path: Path) -> str:
    """The path as it is printed: bytes in it that are no text are written out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _bounded(name: str, raw: bytes) -> tuple[str, bytes] | Look:
    if len(raw) > MOST_BODY:
        return _refused(name, "hostile", f"longer than {MOST_BODY} bytes")
    return name, raw


def _refused(name: str, code: str, why: str) -> Look:
    return Look(Item(name, 0, code=code, sentence=f"{name}: {why}"))


def trust_of(path: str) -> Trust:
    """The anchors of a file, their certificates beside it; none without a file."""
    if not path:
        return Trust()
    file = Path(path)
    if not file.is_file():
        raise NotFound("no such file", where="--trust", found=path)
    return read_trust(file.read_bytes(), lambda name: _certificate(file.parent / name), path)


def _certificate(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound("a certificate cannot be read", where=str(path), found=str(error.strerror)) from error


def profiles_of(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The profiles asked for: of messages, and of what they travel in; InvalidValue names those there are."""
    of_messages = (DECLARED, *PROFILES)
    for name in names:
        if name not in of_messages and name not in DOCUMENTS:
            raise InvalidValue(
                "no such profile",
                where="--profile",
                found=name,
                expected=", ".join(sorted((*of_messages, *DOCUMENTS))),
            )
    return tuple(name for name in names if name in of_messages), tuple(n for n in names if n in DOCUMENTS)


def gazetteers_of(words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """SCHEME=FILE pairs; InvalidValue or NotFound."""
    found = []
    for word in words:
        scheme, equals, path = word.partition("=")
        if not equals or not scheme:
            raise InvalidValue(
                "not a gazetteer", where="--gazetteer", found=word, expected="SCHEME=FILE, as EMMA_ID=f.jsonl"
            )
        if not Path(path).is_file():
            raise NotFound("no such file", where="--gazetteer", found=path)
        found.append((scheme, str(Path(path).resolve())))
    return tuple(found)
