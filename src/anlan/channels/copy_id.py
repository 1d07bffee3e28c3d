"""By what name a copy of a message goes to a peer that drops what it has had before."""

from __future__ import annotations

from anlan.channels.durable import file_name
from anlan.model.delivery import Delivery


def copy_id(delivery: Delivery) -> str:
    """The same for every attempt, so that a peer can tell a repeat; another where somebody has sent the copy
    again on purpose, or the peer would drop what it is meant to take."""
    return file_name(f"{delivery.id}-again-{delivery.before}" if delivery.again else delivery.id, "")
