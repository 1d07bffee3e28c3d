"""Asking a peer which copies it has accepted, so that none need go to it a second time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from anlan.channels.webhook.sender import Sender
from anlan.formats.values import canonical, sha256
from anlan.ports.channel import Receipt


def ask(sender: Sender, url: str, format: str, ids: Sequence[str]) -> set[str] | Receipt:
    """Those of `ids` that the peer has: it is asked by a signed POST of `{"format": ..., "ask": [...]}` and
    answers `{"held": [...]}`. A receipt where it did not: transient where it may answer later, not where it
    does not know the question."""
    body = canonical({"format": format, "ask": list(ids)})
    told = sender.send(url, f"ask-{sha256(body)[:32]}", body, {"X-Anlan-Ask": "yes"})
    if isinstance(told, Receipt):
        return replace(told, detail=f"not_told: {told.detail}", doubtful=False)
    try:
        held = json.loads(told.body)["held"]
        if not isinstance(held, list) or not all(isinstance(id, str) for id in held):
            raise TypeError("held is a list of texts")
    except (ValueError, TypeError, KeyError, RecursionError):
        return Receipt(False, "not_told: the answer has no list of the copies held")
    return set(held) & set(ids)


def has(told: set[str] | Receipt, id: str) -> bool | Receipt:
    """Whether a copy is among those that a peer has; its receipt where it did not say."""
    return told if isinstance(told, Receipt) else id in told
