"""`anlan demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from anlan.cli.output import err, out, say_json
from anlan.model.errors import NotFound

if TYPE_CHECKING:
    from anlan.app.demo import Demo
    from anlan.app.replay import Progress as Turned

#: the demonstration's accounts are all opened with this phrase; they live on this machine's loopback only
OPENED_WITH = "calm waters in demo"


def demo(
    *,
    story: str = "demo",
    workspace: Path | None = None,
    console: bool = True,
    json: Annotated[bool, Parameter(name="--json")] = False,
    language: str = "en",
    port: int = 8420,
) -> int:
    """Replay recorded histories on a virtual clock, then open the console at the end state.

    Goes on where it was if it was interrupted; a finished one is only shown again.

    Parameters
    ----------
    story
        demo, or one of the other stories (they read the reference data beside the project).
    workspace
        The folder to work in; workspace/<story> where none is given.
    console
        --no-console ends after the closing table.
    json
        Print the closing table as one JSON object on the last line.
    language
        en or zh.
    port
        Where the console listens, on this machine only.
    """
    from anlan.app.demo import closing, prepare, stories

    if story not in stories():
        raise NotFound("no such story", where="--story", found=story, expected=", ".join(stories()))
    folder = workspace or Path("workspace") / story
    running = prepare(folder.resolve(), story, language)
    try:
        _play(running)
        table = closing(running)
        if not json:
            _print(table)
        if console:
            _open(running, port)
        if json:
            say_json(table)
    finally:
        running.close()
    return 0


def _play(running: Demo) -> None:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    replay = running.replay
    span = (replay.end - replay.start).total_seconds()
    err.print(f"Replaying {running.scenario.title.en}: {replay.start:%Y-%m-%d} to {replay.end:%Y-%m-%d}")
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=span)

        def report(turned: Turned) -> None:
            bar.update(
                task,
                completed=(turned.now - turned.start).total_seconds(),
                description=f"{turned.now:%Y-%m-%d %H:%M}  {turned.window}",
            )

        running.run(report)


def _open(running: Demo, port: int) -> None:
    from anlan.app.clock import ContinuedClock
    from anlan.app.desk import RunningDesk
    from anlan.app.serve import listen
    from anlan.cli.site import application

    running.house.clock = ContinuedClock(running.house.clock.now())
    desk = RunningDesk(running.house)
    for name in running.house.pack.users:
        if name not in desk.accounts.names():
            desk.set_password(name, OPENED_WITH)
        desk.lend_authenticator(name)
    users = ", ".join(sorted(running.house.pack.users))
    out.print(f"\nThe console is open at http://127.0.0.1:{port}/ (Ctrl-C ends it).")
    out.print(f"Sign in as one of {users}\nwith the password: {OPENED_WITH}")
    folder = running.house.workspace
    out.print(
        f"An approval asks for a one-time code: anlan account code NAME --workspace {folder}", markup=False
    )
    listen(application(desk), "127.0.0.1", port)


def _print(table: dict[str, Any]) -> None:
    """The closing table."""
    from rich.table import Table

    grid = Table(title=f"{table['story']}: {table['from'][:10]} to {table['to'][:10]}", show_header=False)
    for name in (
        "observations",
        "quarantined",
        "findings",
        "risks",
        "warnings",
        "deliveries",
        "incidents",
        "tasks",
        "reports",
        "reviews",
        "lessons",
    ):
        grid.add_row(name, _cell(table[name]))
    out.print(grid)
    rules = Table(title="Rules against what is known to have happened")
    for head in ("rule", "hits", "misses", "false alarms", "POD", "FAR", "CSI", "lead (median)"):
        rules.add_column(head, justify="left" if head == "rule" else "right")
    for rule, s in table["rules"].items():
        rules.add_row(
            rule,
            str(s["hits"]),
            str(s["misses"]),
            str(s["false_alarms"]),
            *(("–" if s[k] is None else f"{s[k]:.2f}") for k in ("pod", "far", "csi")),
            s["lead"] or "–",
        )
    out.print(rules)
    look = Table(title="Where to look", show_header=False)
    for name, path in table["look"].items():
        look.add_row(name, path)
    look.add_row("journal", f"{table['journal']['entries']} entries, head {table['journal']['head'][:16]}…")
    out.print(look)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {n}" for key, n in value.items())
    return str(value)
