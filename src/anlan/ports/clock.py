"""Time as an argument."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells what time it is: the wall's, or a virtual one in replay, backtest and exercise."""

    def now(self) -> datetime:
        """The current instant, zone-aware UTC."""
        ...
