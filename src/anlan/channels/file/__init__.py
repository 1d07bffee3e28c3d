"""A folder that a broadcaster or another system watches: words and message, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anlan.channels.durable import OtherContent, file_name, write_once, write_whole
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock


class Folder:
    """`<delivery id>.cap.xml` and, after it, `<delivery id>.txt`: who sees the text has the message."""

    id = "file"

    def __init__(self, folder: Path, *, public: bool) -> None:
        self.folder = folder
        self.public = public

    def deliver(self, parcel: Parcel) -> Receipt:
        """Idempotent: what is there stays as it is, so that a watcher does not read it out twice."""
        words = self.folder / file_name(parcel.delivery.id, ".txt")
        try:
            write_once(self.folder / file_name(parcel.delivery.id, ".cap.xml"), parcel.cap)
            if words.exists():
                return Receipt(True, f"already there as {words.name}")
            write_whole(words, f"{parcel.subject}\n\n{parcel.body}".encode())
        except OtherContent as error:
            return Receipt(False, f"identity_conflict: {error}")
        except OSError as error:
            return Receipt(False, f"not_written: {error}", transient=True)
        return Receipt(True, f"written as {words.name}")


def make(options: Mapping[str, Any], _clock: Clock) -> Folder:
    """The channel from its settled options (see manifest.toml)."""
    return Folder(Path(options["folder"]), public=options["public"])
