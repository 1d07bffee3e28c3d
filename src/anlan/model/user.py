"""Persons as users of the system: name, organ, roles at places."""

from __future__ import annotations

from dataclasses import dataclass

from anlan.model.errors import InvalidValue

ROLES = ("viewer", "duty", "analyst", "approver", "planner", "supervisor", "field", "admin")


@dataclass(frozen=True, slots=True)
class Grant:
    """A role at a place and everything below it."""

    role: str
    place: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise InvalidValue("no such role", where="grant.role", found=self.role, expected=", ".join(ROLES))


@dataclass(frozen=True, slots=True)
class User:
    """`name` signs in and stands in the journal; `organ` is the body on whose behalf they act."""

    name: str
    organ: str
    grants: tuple[Grant, ...]
    language: str = "en"


SYSTEM = User("system", "", ())
