"""`anlan detect --cases`: a register of cases, and how far its outputs agree with others'."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anlan.cli.output import err, out, say_json

if TYPE_CHECKING:
    from anlan.analyse.agreement import Agreement
    from anlan.analyse.register import Outcome


def run(cases: Path, folder: Path, against: Path | None, json: bool) -> int:
    """Runs the register into `folder`, compares where there is something `against`; the exit status."""
    from rich.progress import Progress

    from anlan.analyse.agreement import agreements
    from anlan.analyse.register import ERRORS, run_register

    with Progress(console=err, transient=True, disable=json) as progress:
        task = progress.add_task("cases", total=None)
        outcomes = run_register(
            cases, folder, lambda done, of: progress.update(task, completed=done, total=of)
        )
    compared = agreements(outcomes, folder, against) if against is not None else []
    wrong = [o for o in outcomes if not o.as_expected]
    disagree = [d for a in compared for d in a.differences]
    if json:
        say_json(
            {
                "register": str(cases),
                "cases": len(outcomes),
                "answered": sum(not o.error for o in outcomes),
                "failed": sum(bool(o.error) for o in outcomes),
                "otherwise_than_stated": [{"case": o.case, "error": o.error} for o in wrong],
                "rows": sum(o.rows for o in outcomes),
                "files": sorted({o.file for o in outcomes if not o.error} | {ERRORS}),
                "agreement": [_agreement(a) for a in compared],
            }
        )
    else:
        _print_register(outcomes, compared, folder, wrong)
    return 1 if wrong or disagree else 0


def _agreement(one: Agreement) -> dict[str, Any]:
    return {
        "detector": one.detector,
        "cases": one.cases,
        "agreed": one.agreed,
        "rows": one.rows,
        "worst_relative": _finite(one.worst),
        "must_fail": one.must_fail,
        "failed": one.failed,
        "differences": [
            {
                "case": d.case,
                "column": d.column,
                "row": d.row,
                "ours": d.ours,
                "theirs": d.theirs,
                "relative": _finite(d.relative),
            }
            for d in one.differences
        ],
    }


def _finite(value: float) -> float | None:
    """None where one side has no number to compare."""
    return value if value != float("inf") else None


def _print_register(
    outcomes: Sequence[Outcome], compared: Sequence[Agreement], folder: Path, wrong: Sequence[Outcome]
) -> None:
    from rich.table import Table

    answered = sum(not o.error for o in outcomes)
    if compared:
        table = Table()
        for name in ("detector", "cases", "agreed", "rows", "worst difference", "must fail", "failed"):
            table.add_column(name, justify="left" if name == "detector" else "right")
        for a in compared:
            worst = "a value on one side only" if a.worst == float("inf") else f"{a.worst:.1e}"
            table.add_row(
                a.detector, str(a.cases), str(a.agreed), str(a.rows), worst, str(a.must_fail), str(a.failed)
            )
        out.print(table)
        for a in compared:
            for d in a.differences:
                out.print(f"{d.case} [{d.row}] {d.column}: ours {d.ours}, theirs {d.theirs}", markup=False)
    for o in outcomes:
        if o.error:
            mark = "as the peer" if o.expected else "FAILED"
            err.print(f"{mark}: {o.case}: {o.error}", markup=False, style=None if o.expected else "red")
    for o in wrong:
        if not o.error:
            err.print(f"answered, and the peer stopped: {o.case}: {o.expected}", markup=False, style="red")
    out.print(
        f"{answered} of {len(outcomes)} cases answered, {sum(o.rows for o in outcomes)} rows in {folder}",
        markup=False,
    )
