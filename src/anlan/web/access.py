"""Who may do what, where: the decision is `anlan.acts.access.may`; here its reason gets the reader's
words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from anlan.acts import access
from anlan.acts.access import PUBLIC, PUSH, QUARANTINE, READ, ROLES_OF, Decision
from anlan.model.pack import Pack
from anlan.model.text import LANGUAGES, Text
from anlan.model.user import ROLES, User
from anlan.web.catalogue import messages

__all__ = ["PUBLIC", "PUSH", "QUARANTINE", "READ", "ROLES_OF", "Decision", "may"]

_ROLE = re.compile(rf"(?<![\w/.-])({'|'.join(ROLES)})(?![\w/.-])")


def may(
    user: User | None,
    act: str,
    places: Iterable[str] = (),
    *,
    pack: Pack,
    at: datetime,
    key: bool = False,
) -> Decision:
    """Whether `user` may do `act` to a record that lies at `places`, at the instant `at`, and why, with
    the roles named in both languages."""
    decision = access.may(user, act, places, pack=pack, at=at, key=key)
    en, zh = (_named(decision.reason.in_(language), language) for language in LANGUAGES)
    return Decision(decision.allowed, Text(en, zh))


def _named(sentence: str, language: str) -> str:
    return _ROLE.sub(lambda found: messages(language)[f"term.role.{found[1]}"], sentence)
