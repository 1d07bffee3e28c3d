"""Options that the commands of `anlan cap` share, and what they ask of the messages they are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from anlan.cli.cap_output import said
from anlan.model.errors import InvalidValue
from anlan.model.time import parse_instant

if TYPE_CHECKING:
    from anlan.formats.cap.look import Asked, Look

Json = Annotated[bool, Parameter(name="--json")]
Words = Annotated[list[str], Parameter(negative=())]
Worker = Annotated[bool, Parameter(name="--worker", negative="--no-worker")]
#: a hyphen alone is standard input
Paths = Annotated[str, Parameter(allow_leading_hyphen=True)]


def asked_of(
    profile: Sequence[str], trust: str, at: str, gazetteer: Sequence[str], *, ground: bool = False
) -> Asked:
    """What is asked of each message, from the options; InvalidValue or NotFound for a wrong one."""
    from anlan.cli.cap_files import gazetteers_of, profiles_of, trust_of
    from anlan.formats.cap.gazetteer import read_gazetteer
    from anlan.formats.cap.look import Asked

    profiles, documents = profiles_of(profile)
    gazetteers = gazetteers_of(gazetteer)
    if ground:
        # a fault of a gazetteer is told once, here, and is no fault of any message
        for scheme, path in gazetteers:
            read_gazetteer(Path(path), scheme)
    return Asked(
        profiles=profiles,
        documents=documents,
        trust=trust_of(trust),
        at=parse_instant(at, "--at") if at else datetime.now(UTC),
        ground=ground,
        gazetteers=gazetteers,
    )


def looks_at(paths: Sequence[str], asked: Asked, *, worker: bool) -> Iterator[Look]:
    """Every item of every file, in order; InvalidValue where there is no path at all."""
    from anlan.cli.cap_files import looks

    if not paths:
        raise InvalidValue("nothing to read", where="PATH", found="no path", expected="a file, a folder or -")
    return looks(paths, asked, worker=worker)


def named_once(looks: Iterator[Look]) -> Iterator[Look]:
    """The same, each message whose name another one before it has with that finding."""
    from anlan.formats.cap.together import Names

    names = Names()
    for look in looks:
        twice = names.check(look.alert) if look.alert is not None else None
        yield look if twice is None else replace(look, findings=(*look.findings, twice))


def messages(paths: Sequence[str], asked: Asked, *, worker: bool) -> tuple[list[Look], bool]:
    """The messages that can be used, and whether there were others; those are named on standard error."""
    from anlan.cli.cap_lines import why_not

    found, failed = [], False
    for look in looks_at(paths, asked, worker=worker):
        if look.readable:
            found.append(look)
            continue
        failed = failed or look.item.index is not None
        said(look, ": ".join(why_not(look)))
    return found, failed
