"""Freshness: is a source still telling us something, and when does the answer change by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from anlan.model.indicator import SourceDef
from anlan.model.reason import Reason
from anlan.model.sourcestate import SourceState
from anlan.model.text import Text
from anlan.model.time import format_instant

#: so many failed attempts in a row, while the last news is still fresh, are shown as failing
FAILING_AFTER = 3


def freshness(
    definition: SourceDef, state: SourceState | None, last: datetime | None, now: datetime
) -> SourceState:
    """The state of a source at `now`. `last` is when it last brought something, None for never.

    never: nothing yet; dead: nothing for `dead_after`; late: nothing for `stale_after`; failing: fresh,
    but the last attempts failed; fresh. Late, dead and never mean that what it measures is unknown.
    `since` is the instant at which the status began, whenever it was looked at.
    """
    failures = 0 if state is None or (last is not None and last == now) else state.failures
    status, since = _status(definition, last, now, failures)
    if state is not None and state.status == status:
        since = max(state.since, since) if status in ("late", "dead") else state.since
    return SourceState(
        source=definition.id,
        status=status,
        since=since,
        last=last,
        accepted=0 if state is None else state.accepted,
        quarantined=0 if state is None else state.quarantined,
        failures=failures,
        reasons=(_reason(definition, status, last, failures),),
        heard=() if state is None else state.heard,
        silent=() if state is None else state.silent,
    )


def failed(definition: SourceDef, state: SourceState | None, now: datetime) -> SourceState:
    """The state after one more attempt that brought no answer."""
    before = freshness(definition, state, None if state is None else state.last, now)
    counted = replace(before, failures=before.failures + 1)
    return freshness(definition, counted, counted.last, now)


def next_change(definition: SourceDef, state: SourceState) -> datetime | None:
    """The instant at which the state changes if nothing comes; None when it does not."""
    if state.last is None or state.status == "dead":
        return None
    if state.status == "late":
        return state.last + definition.dead_after
    return state.last + min(definition.stale_after, definition.dead_after)


def _status(
    definition: SourceDef, last: datetime | None, now: datetime, failures: int
) -> tuple[str, datetime]:
    if last is None:
        return "never", now
    dead, late = last + definition.dead_after, last + definition.stale_after
    if now >= dead:
        return "dead", dead
    if now >= late:
        return "late", late
    return ("failing", now) if failures >= FAILING_AFTER else ("fresh", last)


def _reason(definition: SourceDef, status: str, last: datetime | None, failures: int) -> Reason:
    name = definition.title
    told = "" if last is None else format_instant(last.replace(microsecond=0))
    if status == "never":
        text = Text(f"{name.en} has brought nothing yet", f"{name.zh}尚未提供任何数据")
    elif status == "dead":
        text = Text(
            f"{name.en} is dead: nothing since {told}, expected within {_en(definition.dead_after)}",
            f"{name.zh}已中断：{told} 之后无数据，应在{_zh(definition.dead_after)}内",
        )
    elif status == "late":
        text = Text(
            f"{name.en} is late: nothing since {told}, expected within {_en(definition.stale_after)}",
            f"{name.zh}已延迟：{told} 之后无数据，应在{_zh(definition.stale_after)}内",
        )
    elif status == "failing":
        text = Text(
            f"{name.en} does not answer: {failures} attempts failed in a row, last news {told}",
            f"{name.zh}无应答：连续 {failures} 次失败，最近数据 {told}",
        )
    else:
        text = Text(f"{name.en} is fresh: last news {told}", f"{name.zh}正常：最近数据 {told}")
    return Reason(f"source_{status}", text)


def _parts(length: timedelta) -> tuple[int, int, int, int]:
    seconds = int(length.total_seconds())
    return seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60, seconds % 60


def _en(length: timedelta) -> str:
    units = ("d", "h", "min", "s")
    return " ".join(f"{n} {u}" for n, u in zip(_parts(length), units, strict=True) if n) or "0 s"


def _zh(length: timedelta) -> str:
    units = ("天", "小时", "分钟", "秒")
    return "".join(f"{n}{u}" for n, u in zip(_parts(length), units, strict=True) if n) or "0秒"
