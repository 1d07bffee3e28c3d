"""`anlan pack`: check, test, list, schema, power."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from anlan.cli.output import err, out, say_json
from anlan.packs.paths import available, pack_path

app = App(name="pack", help="Packs: a country, a city or a company as data.")

Json = Annotated[bool, Parameter(name="--json")]


@app.command
def check(path: str, *, json: Json = False) -> int:
    """Check a pack and those it extends; print all faults at once, exit 1 if there are any.

    Parameters
    ----------
    path
        A pack's folder, or its id.
    json
        Print JSON.
    """
    from anlan.assess.surveys.registry import demands, described
    from anlan.formats.values import to_plain
    from anlan.packs.check import check as check_pack

    began = time.perf_counter()
    named = Path(path) if Path(path).is_dir() else path
    faults, doubts = check_pack(named, pack_path(), described(), demands())
    took = time.perf_counter() - began
    if json:
        say_json(
            {
                "faults": [to_plain(f) for f in faults],
                "warnings": [to_plain(d) for d in doubts],
                "seconds": round(took, 3),
            }
        )
    else:
        for fault in faults:
            out.print(fault.sentence(), markup=False)
        for doubt in doubts:
            err.print(f"warning: {doubt.sentence()}", markup=False, style="yellow")
        out.print(f"{len(faults)} fault(s), {len(doubts)} warning(s) in {took:.1f} s")
    return 1 if faults else 0


@app.command
def test(path: str, *, json: Json = False) -> int:
    """Replay the pack's scenarios on a virtual clock and check what they expect; exit 1 if any fails.

    Parameters
    ----------
    path
        A pack's folder, or its id.
    json
        Print JSON.
    """
    from anlan.app.trial import try_pack

    outcomes = try_pack(path)
    if json:
        say_json(
            [
                {"scenario": o.scenario, "expected": o.expected, "failed": list(o.failed), "turns": o.turns}
                for o in outcomes
            ]
        )
    else:
        for outcome in outcomes:
            mark = "ok" if not outcome.failed else "FAILED"
            out.print(f"{outcome.scenario}: {mark}, {outcome.expected} expectation(s), {outcome.turns} turns")
            for line in outcome.failed:
                out.print(f"  {line}", markup=False)
        out.print(f"{sum(not o.failed for o in outcomes)} of {len(outcomes)} scenario(s) as expected")
    return 1 if any(o.failed for o in outcomes) else 0


@app.command(name="list")
def list_(*, json: Json = False) -> int:
    """The packs that can be found.

    Parameters
    ----------
    json
        Print JSON.
    """
    found = {id: str(path) for id, path in available(pack_path()).items()}
    if json:
        say_json(found)
    else:
        for id, path in found.items():
            out.print(f"{id}\t{path}", markup=False)
    return 0


@app.command
def schema(folder: Path) -> int:
    """Write the JSON Schema of every file kind, for editors.

    Parameters
    ----------
    folder
        Where to write them.
    """
    from anlan.packs.schema import write_schemas

    written = write_schemas(folder)
    out.print(f"{len(written)} schema(s) in {folder}")
    return 0


@app.command
def power(
    path: str,
    *,
    act: str,
    hazard: str,
    place: str,
    level: int = 4,
    organ: str = "",
    at: str = "",
    json: Json = False,
) -> int:
    """Who may do an act for a hazard and level at a place, and by which article.

    Parameters
    ----------
    path
        A pack's folder, or its id.
    act
        warn or respond.
    hazard
        The hazard's id.
    place
        The place's id.
    level
        1 (red) to 4 (blue).
    organ
        Ask about this organ; without it, about any.
    at
        The date (YYYY-MM-DD); today where none is given.
    json
        Print JSON.
    """
    from anlan.formats.values import to_plain
    from anlan.packs.load import load_pack
    from anlan.packs.resolve import competent

    pack = load_pack(Path(path) if Path(path).is_dir() else path, pack_path())
    day = datetime.fromisoformat(at).date() if at else datetime.now(UTC).date()
    found = competent(pack, act, organ or None, hazard, level, place, day, "Restricted")
    if json:
        say_json(to_plain(found))
    else:
        out.print(f"{found.organ} ({pack.organs[found.organ].name.en}), by {found.basis}", markup=False)
    return 0
