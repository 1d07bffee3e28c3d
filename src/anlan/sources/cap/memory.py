"""What a source has had of the messages of others, taken up again after a restart.

Nothing is stored for it: the hub keeps every message that could be read under the digest of its bytes, and
the journal says by which source each came, and when. From these the source knows what it has had, and the
chains as they stood, so that a feed read anew tells nothing twice: not a warning whose cancel the feed no
longer lists, and not one that a later message has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime

from anlan.model.errors import AuditBroken, NotFound
from anlan.sources.cap.warnings import Chains
from anlan.sources.tools import Kept


class Memory:
    """`had`: digests of messages, and the addresses that were asked for them. Whoever reads and adds holds
    `lock`: a source is asked by one thread, and looks at held messages again in another."""

    def __init__(self, kept: Callable[[], Iterable[Kept]] | None) -> None:
        self.had: set[str] = set()
        self.chains = Chains()
        self.lock = threading.RLock()
        self._kept = kept

    def resume(
        self, own: str, since: datetime, observe: Callable[[Kept, bytes, Chains], None]
    ) -> list[tuple[Kept, bytes]]:
        """Once, at the first use: everything that came before is had, and what came since `since` goes
        through the chains again by `observe`, in the order in which it came. `own` is the address of the
        feed itself, which is asked again and again. Gives what was held or at no known place: another pack
        or policy may see that otherwise."""
        kept, self._kept = self._kept, None
        if kept is None:
            return []
        doubtful: list[tuple[Kept, bytes]] = []
        for one in sorted(kept(), key=_order):
            self.had.add(one.feed.digest)
            if one.feed.ref and one.feed.ref != own:
                self.had.add(one.feed.ref)
            if one.feed.known < since:
                continue
            try:
                raw = one.read()
            except (NotFound, AuditBroken):
                # had all the same; what is wrong with the store its own check tells
                continue
            if not one.message.held:
                observe(one, raw, self.chains)
            if one.message.held or one.message.unresolved:
                doubtful.append((one, raw))
        return doubtful


def _order(one: Kept) -> tuple[datetime, datetime, str, str]:
    return one.feed.known, one.message.sent, one.message.sender, one.message.identifier
