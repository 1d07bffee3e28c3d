"""A folder that a broadcaster or another system watches: message, words, words to be read aloud."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anlan.channels.durable import OtherContent, file_name, write_once, write_whole
from anlan.channels.texts import spoken
from anlan.formats.values import canonical, sha256
from anlan.model.time import format_instant
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

FORMAT = "anlan.drop/1"


class Folder:
    """Files of one delivery, all named by it, each whole or not there:

    - `<delivery id>.cap.xml`: the published bytes,
    - `<delivery id>.<language>.say.txt`: what is to be read aloud, one for each of the recipient's languages,
    - `<delivery id>.txt`: the words,
    - `<delivery id>.json`, last: what there is, with lengths and digests, and what it is. Who sees it has
      all the others."""

    id = "file"
    # what is there stays as it is
    repeats = None

    def __init__(self, folder: Path, *, public: bool, speech: bool = False) -> None:
        self.folder = folder
        self.public = public
        self.speech = speech

    def deliver(self, parcel: Parcel) -> Receipt:
        """Idempotent: what is there stays as it is, so that a watcher does not read it out twice."""
        id = parcel.delivery.id
        listed = self.folder / file_name(id, ".json")
        try:
            write_once(self.folder / file_name(id, ".cap.xml"), parcel.cap)
            if listed.exists():
                return Receipt(True, f"already there as {listed.name}")
            names = [file_name(id, ".cap.xml")]
            for name, content in self._words(parcel):
                # a try before this one may have left words that say less of a repeat: they are not listed yet
                write_whole(self.folder / name, content)
                names.append(name)
            write_whole(listed, self._list(parcel, names))
        except OtherContent as error:
            return Receipt(False, f"identity_conflict: {error}")
        except OSError as error:
            return Receipt(False, f"not_written: {error}", transient=True)
        return Receipt(True, f"written as {', '.join([*names, listed.name])}")

    def _words(self, parcel: Parcel) -> list[tuple[str, bytes]]:
        files: list[tuple[str, bytes]] = []
        for language in dict.fromkeys(parcel.recipient.languages) if self.speech else ():
            said = spoken(parcel, language)
            if said:
                files.append((file_name(parcel.delivery.id, f".{language}.say.txt"), f"{said}\n".encode()))
        # the body of a message begins with its headline, that of others may not
        told = parcel.subject.strip()
        text = parcel.body if parcel.body.lstrip().startswith(told) else f"{told}\n\n{parcel.body}"
        files.append((file_name(parcel.delivery.id, ".txt"), text.encode()))
        return files

    def _list(self, parcel: Parcel, names: list[str]) -> bytes:
        """What was dropped, as canonical JSON."""
        contents = {name: (self.folder / name).read_bytes() for name in names}
        return canonical(
            {
                "format": FORMAT,
                "delivery": parcel.delivery.id,
                "warning": parcel.warning.id,
                "status": parcel.warning.mode,
                "change": parcel.warning.change,
                "level": parcel.warning.level,
                "follows": list(parcel.warning.references),
                "expires": format_instant(parcel.warning.expires),
                "repeat": parcel.repeat,
                "files": [
                    {"name": name, "bytes": len(content), "sha256": sha256(content)}
                    for name, content in contents.items()
                ],
            }
        )


def make(options: Mapping[str, Any], _clock: Clock) -> Folder:
    """The channel from its settled options (see manifest.toml)."""
    return Folder(Path(options["folder"]), public=options["public"], speech=options["speech"])
