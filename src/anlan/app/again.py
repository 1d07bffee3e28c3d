"""Messages of others that said they were sent later than now, looked at again when that instant has come."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from anlan.app.house import RunningHouse
from anlan.formats.observations import hold
from anlan.model.errors import AnlanError, NotFound
from anlan.model.relayed import SENT_AHEAD
from anlan.ports.source import Batch, Rereads
from anlan.warn import hub

_LOG = logging.getLogger("anlan.again")


@dataclass(frozen=True, slots=True)
class Again:
    """What a message comes to today, and the item of the quarantine in which it was held."""

    batch: Batch
    item: str

    def settle(self, house: RunningHouse) -> None:
        """Mark the item: released where nothing holds the message any more, else retried."""
        free = bool(self.batch.relayed) and not any(one.message.held for one in self.batch.relayed)
        with suppress(NotFound):
            (house.lake.mark_released if free else house.lake.mark_retried)(self.item)


def come_due(house: RunningHouse, now: datetime) -> Iterator[Again]:
    """Every message whose instant has come by now, as its source judges it today. One whose source is not
    in the pack any more, or cannot judge it, or whose bytes cannot be read, stays held; none stops another,
    or the clocks that wait behind it."""
    for message in hub.due(house.state, now):
        for feed in message.feeds:
            try:
                source = house.source(feed.source)
                raw = house.messages.read(feed.digest)
                if not isinstance(source, Rereads):
                    continue
                batch = source.again(raw, feed.ref, now, house.pack)
            except NotFound as error:
                _LOG.debug("message %s stays held: %s", message.id, error.sentence())
            except AnlanError as error:
                _LOG.warning("message %s stays held: %s", message.id, error.sentence())
            except Exception:
                _LOG.exception("message %s stays held", message.id)
            else:
                item = hold(feed.source, feed.ref, None, feed.known, SENT_AHEAD, "", raw)
                yield Again(batch, item.id)
