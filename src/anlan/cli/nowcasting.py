"""`anlan nowcast`: what the last periods' counts will be once all reports are in."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from anlan.cli.output import err, say_json
from anlan.cli.output import out as screen
from anlan.model.errors import InvalidValue, StoreUnavailable

if TYPE_CHECKING:
    from anlan.analyse.nowcasting import Nowcasted

Json = Annotated[bool, Parameter(name="--json")]
NOWCAST, QUARANTINE = "nowcast.csv", "quarantine.csv"
SHOWN = 20


def nowcast(
    file: Path,
    *,
    event: str = "event",
    report: str = "report",
    count: str = "",
    by: str = "",
    vintages: bool = False,
    period: str = "day",
    delays: int | None = None,
    now: str = "",
    alpha: float = 0.05,
    method: str = "chain_ladder",
    revisions: str = "growing",
    encoding: str = "utf-8",
    out: Annotated[Path, Parameter(name="--out")],
    json: Json = False,
) -> int:
    """Say what the counts of the last days, weeks or months will be once all reports are in, from a CSV file;
    no pack and no workspace are needed. Writes nowcast.csv and quarantine.csv into the folder.

    The file is a line list (a row a case: the day it happened, the day it was reported) or, with --vintages,
    holds counts as they were published (the period, the day of the publication, the count).

    Parameters
    ----------
    file
        The CSV file.
    event
        The column of the day it happened, or of the period that is counted.
    report
        The column of the day it was reported, or published.
    count
        The column of the number of cases; one a row where not given.
    by
        The column that names the series, where there are several.
    vintages
        The rows are counts as published.
    period
        day, week (from Monday) or month.
    delays
        The longest delay, in periods; ten, at most a third of the periods, where not given.
    now
        The day as of which is asked; that of the last report where not given.
    alpha
        1 - coverage of the intervals.
    method
        chain_ladder (many series at once), or for each series by itself lawless, bayes.trunc, bayes.notrunc,
        bayes.notrunc.bnb or unif, as in the R package surveillance.
    revisions
        growing, or both where published counts also fall.
    encoding
        How the file's letters are written, as gb18030.
    out
        The folder to write into; made where it is not there.
    json
        Print JSON.
    """
    from anlan.analyse.nowcasting import Asked, Columns, nowcasted
    from anlan.formats.days import DATE_FORMS, day_of

    as_of = day_of(now) if now else None
    if now and as_of is None:
        raise InvalidValue("no such day", where="--now", found=repr(now), expected=DATE_FORMS)
    if vintages and not count:
        raise InvalidValue("a count needs its column", where="--count", found="none", expected="its name")
    asked = Asked(period, delays, as_of, alpha, method, vintages, revisions)
    try:
        found = nowcasted(file, Columns(event, report, count, by), asked, encoding)
    except ValueError as error:  # what the method itself refuses
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue(str(error), where="anlan nowcast") from error
    _write(found, out)
    if json:
        say_json(_document(found, file, out))
    else:
        _print(found, out)
    return 0


def _rows(found: Nowcasted) -> list[dict[str, Any]]:
    from anlan.analyse.outputs import number
    from anlan.assess.detect.panel import Reason
    from anlan.assess.detect.reason_words import reason_words

    rows = []
    for s, name in enumerate(found.series):
        for j, day in enumerate(found.dates):
            reason = Reason(int(found.reason[s, j]))
            numbers = {
                "known": found.known[s, j],
                "median": found.median[s, j],
                "lower": found.lower[s, j],
                "upper": found.upper[s, j],
                "share": found.share[s, j],
            }
            rows.append(
                {
                    "series": name,
                    "date": str(day),
                    **{key: number(value) for key, value in numbers.items()},
                    "state": "known" if reason == Reason.OK else "unknown",
                    "reason": reason.name.lower(),
                    "reason_en": reason_words(reason).en,
                    "reason_zh": reason_words(reason).zh,
                }
            )
    return rows


def _write(found: Nowcasted, folder: Path) -> None:
    rows = _rows(found)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / NOWCAST).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        with (folder / QUARANTINE).open("w", encoding="utf-8", newline="") as file:
            plain = csv.writer(file, lineterminator="\n")
            plain.writerow(("line", "column", "found", "code", "reason_en", "reason_zh"))
            plain.writerows((h.line, h.column, h.found, h.code, h.say.en, h.say.zh) for h in found.held)
    except OSError as error:
        raise StoreUnavailable("cannot write", where=str(folder), found=str(error.strerror)) from error


def _document(found: Nowcasted, file: Path, folder: Path) -> dict[str, Any]:
    return {
        "file": str(file),
        "now": str(found.now),
        "series": len(found.series),
        "not_used": len(found.held),
        "fell": found.fell,
        "nowcast": [
            {
                key: (None if value == "NA" else float(value)) if key in _NUMBERS else value
                for key, value in row.items()
                if key not in ("reason_en", "reason_zh")
            }
            for row in _rows(found)
        ],
        "files": [str(folder / name) for name in (NOWCAST, QUARANTINE)],
    }


_NUMBERS = ("known", "median", "lower", "upper", "share")


def _print(found: Nowcasted, folder: Path) -> None:
    from rich.table import Table

    from anlan.analyse.words import shown

    several = len(found.series) > 1
    table = Table(title=f"as of {found.now}", title_justify="left")
    for name in (*(["series"] if several else []), "date", "so far", "in the end", "between"):
        table.add_column(name, justify="left" if name in ("series", "date") else "right", overflow="fold")
    rows = _rows(found)
    for row in rows[:SHOWN]:
        unknown = row["state"] == "unknown"
        known, middle, low, high = (shown(float(row[key].replace("NA", "nan"))) for key in _NUMBERS[:4])
        between = row["reason_en"] if unknown else f"{low} to {high}"
        cells = [row["date"], known, "unknown" if unknown else middle, between]
        table.add_row(*([row["series"]] if several else []), *cells)
    screen.print(table)
    if len(rows) > SHOWN:
        screen.print(f"… and {len(rows) - SHOWN} more, in {folder / NOWCAST}", markup=False)
    if found.fell:
        screen.print(f"{found.fell} published counts fell: see --revisions both", markup=False)
    for held in found.held[:5]:
        where = f"line {held.line}" + (f", column {held.column}" if held.column else "")
        err.print(f"not used: {where}: {held.found!r}: {held.say.en}", markup=False, style="yellow")
    if len(found.held) > 5:
        err.print(f"… and {len(found.held) - 5} more, in {folder / QUARANTINE}", markup=False, style="yellow")
    screen.print(f"Written: {folder / NOWCAST}, {folder / QUARANTINE}", markup=False)
