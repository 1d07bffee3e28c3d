"""`anlan deliveries`: what became of each recipient's copy, the dead letters among them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from anlan.cli.output import out, say_json
from anlan.model.errors import InvalidValue

if TYPE_CHECKING:
    from anlan.model.warning import Delivery

app = App(name="deliveries", help="What became of each recipient's copy of a warning.")


@app.command(name="list")
def list_(
    workspace: Path,
    *,
    status: str = "dead",
    warning: str = "",
    json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """List deliveries, newest first; by default the dead letters: those given up or unknown, which are not
    tried again.

    Nothing is changed, and a service may run meanwhile. What only waited when its warning ended is listed as
    expired, whether or not a service has run since. A copy is sent again from the page of its warning in
    the console, or by the act `delivery.send_again`: it needs a person, with a reason.

    Parameters
    ----------
    workspace
        The workspace.
    status
        Only deliveries of this status; `dead` for the dead letters, `all` for every one.
    warning
        Only those of this warning.
    json
        Print JSON, one array.
    """
    from anlan.app.clock import WallClock
    from anlan.app.house import RunningHouse
    from anlan.model.delivery import DEAD
    from anlan.model.warning import DELIVERY_STATUSES
    from anlan.warn.ladder import as_it_stands

    names = ("dead", "all", *DELIVERY_STATUSES)
    if status not in names:
        raise InvalidValue("no such status", where="--status", found=status, expected=", ".join(names))
    wanted = {"dead": DEAD, "all": DELIVERY_STATUSES}.get(status, (status,))
    house = RunningHouse(workspace.resolve(), WallClock(), reading=True)
    try:
        now, messages = house.clock.now(), house.state.warnings
        copies = house.state.deliveries.values()
        every = [as_it_stands(copy, messages.get(copy.warning), now) for copy in copies]
    finally:
        house.close()
    found = [d for d in every if d.status in wanted and (not warning or d.warning == warning)]
    found.sort(key=lambda d: (d.due, d.id), reverse=True)
    if json:
        say_json([_row(delivery) for delivery in found])
        return 0
    for delivery in found:
        row = _row(delivery)
        out.print(
            f"{row['id']}  {row['status']}  {row['recipient']} by {row['channel']}  "
            f"warning {row['warning']}  {row['attempts']} attempts  {row['why']}",
            markup=False,
        )
    counts = Counter(delivery.status for delivery in every)
    said = ", ".join(f"{counts[name]} {name}" for name in DELIVERY_STATUSES if counts[name])
    out.print(f"{len(found)} listed; of all: {said or 'none'}", markup=False)
    return 0


def _row(delivery: Delivery) -> dict[str, Any]:
    from anlan.model.time import format_instant

    return {
        "id": delivery.id,
        "warning": delivery.warning,
        "recipient": delivery.recipient,
        "channel": delivery.channel,
        "rung": delivery.rung,
        "status": delivery.status,
        "due": format_instant(delivery.due),
        "attempts": delivery.attempts,
        "why": "; ".join(reason.text.en for reason in delivery.trouble),
        "reasons": [reason.code for reason in delivery.reasons],
    }
