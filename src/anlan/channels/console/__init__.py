"""The terminal of whoever runs the system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

# ISO 22324: red is danger, then orange and yellow; blue is the lowest of the four Chinese levels
_STYLES = {1: "bold red", 2: "bold dark_orange", 3: "bold yellow", 4: "bold blue"}


class Terminal:
    """One panel a message. Levels are named as well as coloured, for readers who do not see colours."""

    id = "console"
    public = False

    def __init__(self, console: Console) -> None:
        self.console = console

    def deliver(self, parcel: Parcel) -> Receipt:
        title = f"{parcel.recipient.name.zh} / {parcel.recipient.name.en}"
        panel = Panel(
            Text(_printable(parcel.body.rstrip("\n"))),
            title=Text(_printable(title)),
            subtitle=Text(_printable(f"{parcel.warning.id} · {parcel.delivery.id}")),
            border_style=_STYLES[parcel.warning.level],
        )
        try:
            self.console.print(panel)
        except OSError as error:
            return Receipt(False, f"not_written: {error}", transient=True)
        return Receipt(True, "printed")


def _printable(text: str) -> str:
    """Control characters made visible: a message must not move the cursor or forge what was printed."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def make(options: Mapping[str, Any], _clock: Clock) -> Terminal:
    """The channel from its settled options (see manifest.toml)."""
    return Terminal(Console(stderr=options["stderr"]))
