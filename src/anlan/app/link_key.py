"""The key that answer links, receipts and codes are signed with."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from anlan.model.errors import StoreUnavailable


def secret_key(path: Path) -> bytes:
    """The key in a file that only its owner reads, made with 32 random bytes where there is none.
    StoreUnavailable where that cannot be."""
    try:
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                os.fsync(file.fileno())
        key = path.read_bytes()
    except OSError as error:
        raise StoreUnavailable(
            "the key of the answer links cannot be read or made", where=str(path), found=str(error)
        ) from error
    if len(key) != 32:
        raise StoreUnavailable(
            "the key of the answer links is not whole",
            where=str(path),
            found=f"{len(key)} bytes",
            expected="32 bytes",
            mend="remove the file: links sent so far stop working, new ones are made",
        )
    return key
