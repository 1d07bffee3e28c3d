"""`anlan ingest`, `anlan backtest`, `anlan quarantine`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from anlan.cli.output import err, out, say_json
from anlan.model.errors import NotFound
from anlan.model.time import format_duration, format_instant

if TYPE_CHECKING:
    from anlan.app.backtest import Backtest
    from anlan.app.desk import RunningDesk
    from anlan.store.lake import DeltaLake

Json = Annotated[bool, Parameter(name="--json")]
quarantine = App(name="quarantine", help="What could not be used, kept whole with the reason.")


def _desk(workspace: Path) -> RunningDesk:
    from anlan.app.clock import WallClock
    from anlan.app.desk import RunningDesk
    from anlan.app.house import RunningHouse

    house = RunningHouse(workspace.resolve(), WallClock())
    house.clock = WallClock(house.journal.latest())
    return RunningDesk(house)


def _lake(workspace: Path) -> DeltaLake:
    """The lake of a workspace, for reading only: nothing is made in it."""
    from anlan.app.config import read_config
    from anlan.store.lake import DeltaLake

    read_config(workspace.resolve())
    return DeltaLake.open(workspace.resolve(), create=False)


def ingest(source: str, file: Path, *, workspace: Path, json: Json = False) -> int:
    """Take a file in through a source of the pack: what can be used into the lake, the rest into
    quarantine.

    Parameters
    ----------
    source
        The source's id in the pack.
    file
        The file, in the format that the source reads.
    workspace
        The workspace.
    json
        Print JSON.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise NotFound("the file cannot be read", where=str(file), found=str(error.strerror)) from error
    desk = _desk(workspace)
    try:
        now = desk.house.clock.now()
        batch = desk.house.source(source).parse(raw, str(file), now, desk.pack)
        result = desk.take((batch,))
        reasons = _reasons(desk, result.quarantined)
    finally:
        desk.close()
    if json:
        say_json(
            {
                "accepted": result.accepted,
                "repeated": result.repeated,
                "quarantined": list(result.quarantined),
                "reasons": {code: count for code, (count, _) in reasons.items()},
            }
        )
    else:
        out.print(
            f"{result.accepted} accepted, {result.repeated} already there, "
            f"{len(result.quarantined)} quarantined"
        )
        for code, (count, sentence) in reasons.items():
            out.print(f"{count:>7}  {code}, such as {sentence}", markup=False)
    return 0


def _reasons(desk: RunningDesk, ids: tuple[str, ...]) -> dict[str, tuple[int, str]]:
    """Reason -> (how many items are held for it, what the first of them says), the most frequent first."""
    wanted = set(ids)
    found: dict[str, tuple[int, str]] = {}
    items = [item for item in desk.house.lake.quarantined() if item.id in wanted] if wanted else []
    for item in sorted(items, key=lambda item: (item.line or 0, item.id)):
        count, first = found.get(item.code, (0, item.sentence))
        found[item.code] = (count + 1, first)
    return dict(sorted(found.items(), key=lambda pair: (-pair[1][0], pair[0])))


def backtest(pack: str, rule: str, *, record: bool = False, json: Json = False) -> int:
    """Run a rule over all recorded history of its sources and score it against known events.

    Parameters
    ----------
    pack
        A pack's folder, or its id.
    rule
        The rule's id.
    record
        Write the outcome into the pack, beside the rule: its findings then say how it did.
    json
        Print JSON.
    """
    from anlan.app.backtest import backtest as run_backtest
    from anlan.formats.values import to_plain

    found = run_backtest(pack, rule)
    scores = found.scores
    if record:
        _record(pack, rule, found)
    if json:
        say_json(
            {
                **to_plain(scores),
                "from": format_instant(found.since),
                "to": format_instant(found.until),
                "per_day": found.per_day,
                "target_per_day": found.target,
                "domain_per_day": found.together,
                "unrecorded": list(found.unrecorded),
                "episodes": [
                    {
                        "place": e.place,
                        "start": format_instant(e.start),
                        "end": format_instant(e.end) if e.end else None,
                    }
                    for e in found.episodes
                ],
            }
        )
        return 0
    out.print(
        f"{rule}: {format_instant(found.since)} to {format_instant(found.until)}, "
        f"{len(found.episodes)} episode(s)"
    )
    if found.target is None:
        against = "its domain declares no target"
    else:
        # the target is one officer's, and so are all rules of the domain
        more = f"with the domain's other rules {found.together:.3g}, " if found.others else ""
        against = (
            f"{more}{'within' if found.together <= found.target else 'OVER'} the declared "
            f"{found.target:g} a day"
        )
        if found.unrecorded:
            against += f", without {', '.join(found.unrecorded)} (not run on history: --record)"
    out.print(f"{found.per_day:.3g} new level(s) a day: {against}", markup=False)
    parts = [f"hits {scores.hits}", f"misses {scores.misses}", f"false alarms {scores.false_alarms}"]
    for name in ("pod", "far", "csi"):
        value = getattr(scores, name)
        parts.append(f"{name.upper()} {'–' if value is None else f'{value:.3f}'}")
    if scores.lead is not None:
        parts.append(f"median lead {format_duration(scores.lead)}")
    out.print(", ".join(parts))
    return 0


def _record(pack: str, rule: str, found: Backtest) -> None:
    """Write the record and say where."""
    from anlan.app.clock import WallClock
    from anlan.app.records import record_of, write_record
    from anlan.packs.load import load_pack
    from anlan.packs.paths import pack_path

    loaded = load_pack(Path(pack) if Path(pack).is_dir() else pack, pack_path())
    made = record_of(loaded, loaded.rules[rule], found, WallClock().now().date())
    err.print(f"record written to {write_record(loaded, made)}")


@quarantine.command(name="list")
def list_(*, workspace: Path, status: str = "", json: Json = False) -> int:
    """What is held, newest first.

    Parameters
    ----------
    workspace
        The workspace.
    status
        held, retried or released; all where none is given.
    json
        Print JSON.
    """
    lake = _lake(workspace)
    try:
        items = lake.quarantined(status or None)
    finally:
        lake.close()
    if json:
        say_json(
            [
                {
                    "id": i.id,
                    "source": i.source,
                    "ref": i.ref,
                    "line": i.line,
                    "code": i.code,
                    "sentence": i.sentence,
                    "known": format_instant(i.known),
                    "status": i.status,
                }
                for i in items
            ]
        )
    else:
        for i in items:
            out.print(f"{i.id}  {i.status:<8} {i.source:<14} {i.code:<18} {i.sentence}", markup=False)
        out.print(f"{len(items)} item(s)")
    return 0


@quarantine.command
def show(id: str, *, workspace: Path) -> int:
    """One item with its reason and its raw bytes.

    Parameters
    ----------
    id
        The item's id.
    workspace
        The workspace.
    """
    lake = _lake(workspace)
    try:
        item = lake.held(id)
    finally:
        lake.close()
    out.print(
        f"{item.id}  {item.status}\nsource {item.source}, {item.ref}"
        + (f", line {item.line}" if item.line is not None else "")
        + f"\nknown {format_instant(item.known)}\n{item.code}: {item.sentence}\n",
        markup=False,
    )
    out.print(item.raw.decode("utf-8", "backslashreplace"), markup=False)
    return 0


@quarantine.command
def retry(id: str, *, workspace: Path) -> int:
    """Try an item again with the pack as it is now; exit 1 if it still cannot be used.

    Parameters
    ----------
    id
        The item's id.
    workspace
        The workspace.
    """
    from anlan.app.retry import retry as retry_held

    desk = _desk(workspace)
    try:
        accepted, sentence = retry_held(desk, id)
    finally:
        desk.close()
    out.print(
        f"{accepted} observation(s) taken in" if accepted else f"still refused: {sentence}", markup=False
    )
    return 0 if accepted else 1
