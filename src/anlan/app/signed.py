"""The bytes in which messages leave: signed where the workspace has a key, fixed once and for all.

What is journalled of a message is the digest of its unsigned bytes, which can be rendered again at any time
without a key. The signed bytes are kept beside, named by that digest, before the approval is journalled:
a message delivered again leaves as it left first, whatever became of the keys, and taking the signature out
gives the bytes that were journalled.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from anlan.app.config import SigningConfig
from anlan.channels.durable import write_whole
from anlan.formats.cap.signing import KeyRing, SigningKey, load_key, sign
from anlan.formats.values import sha256
from anlan.model.errors import InvalidValue, NotFound, StoreUnavailable
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.model.time import parse_instant

FOLDER = "signed"
ENDING = ".cap.xml"
_START, _END = b"<ds:Signature ", b"</ds:Signature>"


@dataclass(frozen=True, slots=True)
class Signed:
    """The signed messages of a workspace and the keys that sign."""

    folder: Path
    keys: KeyRing

    def seal(self, raw: bytes, at: datetime) -> Reason | None:
        """Fix the bytes of a message that leaves at that instant. The reason where it leaves unsigned
        although keys are there; StoreUnavailable where the signed bytes cannot be kept."""
        if not self.keys.keys or self._path(raw).exists():
            return None
        key = self.keys.at(at)
        if key is None:
            spans = ", ".join(f"{k.id} {k.since:%Y-%m-%d}/{k.until:%Y-%m-%d}" for k in self.keys.keys)
            return Reason(
                "unsigned",
                Text(
                    f"it leaves unsigned: no signing key is in use ({spans})",
                    f"未签名发出：没有可用的签名密钥（{spans}）",
                ),
            )
        try:
            write_whole(self._path(raw), sign(raw, key))
        except OSError as error:
            raise StoreUnavailable(
                "the signed message cannot be kept", where=str(self.folder), found=str(error)
            ) from error
        return None

    def of(self, raw: bytes) -> bytes:
        """The bytes in which a message left, or leaves: the signed ones where there are any.
        StoreUnavailable where what is kept is not that message with a signature."""
        path = self._path(raw)
        try:
            kept = path.read_bytes()
        except FileNotFoundError:
            return raw
        except OSError as error:
            raise StoreUnavailable(
                "the signed message cannot be read", where=str(path), found=str(error)
            ) from error
        if without_signature(kept) != raw:
            raise StoreUnavailable(
                "what is kept is not the message that was signed",
                where=str(path),
                mend="restore the file from a backup: what was published must not change",
            )
        return kept

    def _path(self, raw: bytes) -> Path:
        return self.folder / f"{sha256(raw)}{ENDING}"


def without_signature(signed: bytes) -> bytes:
    """The bytes before the last signature was put in."""
    start, end = signed.rfind(_START), signed.rfind(_END)
    return signed if start < 0 or end < start else signed[:start] + signed[end + len(_END) :]


def read_keys(settings: Sequence[SigningConfig], workspace: Path) -> KeyRing:
    """The keys that the settings name. NotFound or Unreadable for a file, InvalidValue for a span."""
    return KeyRing(tuple(_key(one, workspace) for one in settings))


def _key(setting: SigningConfig, workspace: Path) -> SigningKey:
    where = f"anlan.toml: signing {setting.id}"
    since, until = (parse_instant(text) if text else None for text in (setting.since, setting.until))
    if since is not None and until is not None and until <= since:
        raise InvalidValue("ends before it begins", where=where, found=setting.until, expected=setting.since)
    return load_key(
        setting.id,
        _file(workspace, setting.key, f"{where}.key"),
        _file(workspace, setting.certificate, f"{where}.certificate"),
        password=_password(setting.password, workspace, f"{where}.password"),
        since=since,
        until=until,
        where=where,
    )


def _password(named: Mapping[str, str], workspace: Path, where: str) -> bytes | None:
    if not named:
        return None
    if "env" in named:
        if named["env"] not in os.environ:
            raise NotFound("no such environment variable", where=where, found=named["env"])
        return os.environ[named["env"]].encode()
    return _file(workspace, named["file"], where).rstrip(b"\r\n")


def _file(workspace: Path, name: str, where: str) -> bytes:
    try:
        return (workspace / name).read_bytes()
    except OSError as error:
        raise NotFound("cannot be read", where=where, found=name, expected=str(error.strerror)) from error
