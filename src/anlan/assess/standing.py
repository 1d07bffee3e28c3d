"""How a rule stands at one place, and which of the tested periods says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.assess.finding import Look
from anlan.assess.graded import UNKNOWN, YES, Numbers, Standing, reached, stand
from anlan.assess.grid import Grid, instant, instant64
from anlan.assess.settling import Between, agreed, judged
from anlan.model.finding import Finding
from anlan.packs.conditions import compile_condition


def standing_at(
    look: Look,
    row: Grid,
    tests: NDArray[np.int64],
    numbers: Sequence[Numbers],
    partial: NDArray[np.bool_],
    unsettled: Between,
    before: Finding | None,
    step: timedelta,
) -> tuple[Standing, int]:
    """How the rule stands at the one place of `row`, and which of the tested periods says so: the
    newest that reached the level, else (no level, or it rests on what is missing) the newest of all. Of a
    `partial` sum only what it reaches is known, of an `unsettled` count what both its bounds say."""
    condition = compile_condition(look.rule.when)
    downwards = look.indicator.direction == "down"

    def answer(test: int, number: Numbers) -> dict[int, int]:
        at = instant(row.times[test])
        return reached(look.rule, condition, row.places[0], at, number, downwards, look.matrix)

    conditions = [answer(test, number) for test, number in zip(tests.tolist(), numbers, strict=True)]
    for column, (low, high) in unsettled.items():
        test = int(tests[column])
        conditions[column] = agreed(answer(test, low), None if high is None else answer(test, high))
    conditions = [
        {level: YES if answer == YES else UNKNOWN for level, answer in one.items()} if lower else one
        for one, lower in zip(conditions, partial.tolist(), strict=True)
    ]
    conditions = conditions[: judged(conditions, unsettled)]
    tests = tests[: len(conditions)]
    level = before.level if before else None
    withdrawn = None
    if level is not None and before is not None:
        blank = np.array([all(v == UNKNOWN for v in c.values()) for c in conditions], dtype=bool)
        withdrawn = blank & _once_known(look, row, before)[tests]
    standing = stand(look.rule, conditions, level, step, withdrawn)
    reaching = [
        n for n, c in enumerate(conditions) if standing.level is not None and c[standing.level] == YES
    ]
    return standing, reaching[-1] if reaching and standing.known else len(conditions) - 1


def _once_known(look: Look, row: Grid, before: Finding) -> NDArray[np.bool_]:
    """Periods that had an answer once, as far as the record shows: those that something came for, up to
    the finding that gave the level, and those for which news came after the news for a later period."""
    known = row.known[0]
    came = ~np.isnat(known)
    given = before
    if before.change in ("unknown", "known"):
        key = (before.rule, before.place, before.event)
        given = next(
            f
            for f in reversed(look.state.findings.values())
            if (f.rule, f.place, f.event) == key and f.change in ("raised", "lowered")
        )
    never = np.iinfo(np.int64).max
    ticks = np.where(came, known.astype("datetime64[us]").astype(np.int64), never)
    later = np.append(np.minimum.accumulate(ticks[::-1])[::-1][1:], never)
    found: NDArray[np.bool_] = came & ((row.times <= instant64(given.at)) | (ticks > later))
    return found
