"""Waking up when something falls due, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeAlias

# Called with the key and the instant it was to wake at. It may be called again for the same key after
# a kill, so it looks at the state and does only what is still to be done.
OnDue: TypeAlias = Callable[[str, datetime], None]


class Timers(Protocol):
    """Wakes the system at an instant, once for each key."""

    def wake(self, key: str, at: datetime) -> None:
        """Durable on return: the handler will be called for `key` at or soon after `at`, at once when
        that is past. A key is one timer: a second wake for it changes nothing, until long after it fired or
        was cancelled, when it is forgotten and a wake makes a new one."""
        ...

    def cancel(self, key: str) -> None:
        """The handler will not be called for `key`, unless it is being called now. No error if there is
        no such timer."""
        ...
