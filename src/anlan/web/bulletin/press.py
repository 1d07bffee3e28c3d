"""Keeps the newest edition at hand: built anew when something has changed, ends, or has grown old."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from anlan.web.bulletin import folder
from anlan.web.bulletin.edition import Edition, Settings, Source, edition

_LOG = logging.getLogger("anlan.bulletin")
#: how long after something has changed it is noticed (seconds)
LOOK = 0.5


class Press:
    """`where`: a folder to write each edition to as well (None: none). What goes wrong is logged, and the
    last edition that there is stays: it says how old it is."""

    def __init__(self, desk: Source, settings: Settings, where: Path | None = None) -> None:
        self._desk = desk
        self._settings = settings
        self._where = where
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._current: Edition | None = None
        self._thread: threading.Thread | None = None
        self._failing = ""

    @property
    def current(self) -> Edition | None:
        """The newest edition; None before the first."""
        return self._current

    @property
    def failing(self) -> str:
        """What went wrong with the newest edition, while nothing newer is there; empty otherwise."""
        return self._failing

    def start(self) -> None:
        """Build editions from now on, aside: whoever starts the service does not wait for the first.
        Nothing happens the second time."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bulletin", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """No edition begins any more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.turn()
            self._stop.wait(LOOK)

    def turn(self) -> bool:
        """Build an edition where one is due; whether a new one is there."""
        with self._guard:
            try:
                if not self._due():
                    return False
                made = edition(self._desk, self._settings, self._current)
                self._current = made
                if self._where is not None:
                    folder.write(made, self._where)
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                if said != self._failing:
                    _LOG.exception("the public site stays as it was")
                self._failing = said
                return False
            if self._failing:
                _LOG.warning("the public site is built again")
            self._failing = ""
            return True

    def _due(self) -> bool:
        """Whether the newest edition is no longer what is the case."""
        last, now = self._current, self._desk.clock.now()
        if last is None or now >= last.due or now < last.built:
            return True
        return self._desk.state().head != last.head or (last.turns is not None and now >= last.turns)
