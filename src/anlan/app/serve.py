"""The service: console, API and public pages over one desk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import uvicorn

from anlan.app.desk import RunningDesk
from anlan.model.errors import StoreUnavailable


def listen(application: Any, host: str, port: int) -> None:
    """Serve until stopped (SIGTERM, SIGINT). StoreUnavailable where the address is taken."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=5,
        ws="none",
    )
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        raise StoreUnavailable(
            "the console could not listen",
            where=f"{host}:{port}",
            mend="is the port taken? set `port` in anlan.toml",
        )


def key_file(desk: RunningDesk) -> Path | None:
    """Where the keys of machines that push observations stand: ANLAN_PUSH_KEYS, or `keys` in the
    workspace; None where there is neither."""
    named = os.environ.get("ANLAN_PUSH_KEYS")
    path = Path(named) if named else desk.house.workspace / "keys"
    return path if path.is_file() else None
