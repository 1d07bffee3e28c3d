"""The public feed: a folder of CAP files and an Atom index of those in force, for any web server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from anlan.channels.durable import OtherContent, file_name, locked, write_once, write_whole
from anlan.formats.cap import FeedEntry, feed_entry, read, write_feed
from anlan.model.errors import BadInput
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

ENDING = ".cap.xml"
FEED = "feed.atom"


class CapFeed:
    """`<warning id>.cap.xml` files, which stay for good, and `feed.atom`, written anew each time."""

    id = "cap_feed"
    # what is there stays as it is
    repeats = None

    def __init__(
        self,
        folder: Path,
        feed_id: str,
        title: str,
        clock: Clock,
        *,
        public: bool = True,
        base_url: str = "",
    ) -> None:
        self.folder = folder
        self.base = f"{base_url.rstrip('/')}/" if base_url else ""
        self.public = public
        self.feed_id = feed_id
        self.title = title
        self.clock = clock
        self._known: dict[str, FeedEntry] = {}
        # when something listed is next over; None: not known yet
        self._ends: datetime | None = None

    def deliver(self, parcel: Parcel) -> Receipt:
        """Idempotent: a repeat leaves the file as it is, byte for byte. An id that already stands there
        with other bytes is refused for good: identity is frozen."""
        name = file_name(parcel.warning.id, ENDING)
        try:
            with locked(self.folder):
                new = write_once(self.folder / name, parcel.cap)
                unreadable = self._refresh(self.clock.now())
        except OtherContent as error:
            return Receipt(False, f"identity_conflict: {error}")
        except OSError as error:
            return Receipt(False, f"not_written: {error}", transient=True)
        said = f"{'published' if new else 'already published'} as {name}"
        return Receipt(
            True, said + (f"; not listed, unreadable: {', '.join(unreadable)}" if unreadable else "")
        )

    def tidy(self, now: datetime) -> None:
        """Take out of the feed what is over by `now`; nothing is written where nothing is. OSError when the
        disk does not take it."""
        if self._ends is None or now >= self._ends:
            self.refresh(now)

    def refresh(self, now: datetime) -> tuple[str, ...]:
        """Write the feed as of `now`, so that expired messages go; the names of files that could not
        be read. OSError when the disk does not take it."""
        with locked(self.folder):
            return self._refresh(now)

    def _refresh(self, now: datetime) -> tuple[str, ...]:
        unreadable = []
        listed = []
        for path in sorted(self.folder.glob(f"*{ENDING}")):
            try:
                # a file never changes once it is there, so each is read once
                if path.name not in self._known:
                    self._known[path.name] = self._entry(path)
            except BadInput:
                unreadable.append(path.name)
                continue
            listed.append(self._known[path.name])
        feed = write_feed(
            listed, id=self.feed_id, title=self.title, updated=now, self_link=f"{self.base}{FEED}"
        )
        write_whole(self.folder / FEED, feed)
        ends = [e.expires for e in listed if e.expires is not None and e.expires > now]
        self._ends = min(ends, default=datetime.max.replace(tzinfo=UTC))
        return tuple(unreadable)

    def _entry(self, path: Path) -> FeedEntry:
        return feed_entry(read(path.read_bytes(), path.name), f"{self.base}{quote(path.name)}")


def make(options: Mapping[str, Any], clock: Clock) -> CapFeed:
    """The channel from its settled options (see manifest.toml)."""
    return CapFeed(
        Path(options["folder"]),
        options["feed_id"],
        options["title"],
        clock,
        public=options["public"],
        base_url=options["base_url"],
    )
