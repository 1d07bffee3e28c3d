"""The thread's hops in order, each with the time since the one before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from anlan.model.entry import Entry
from anlan.model.review import Milestone
from anlan.model.text import Text

#: the entries that are hops between stages, and what they are called
HOPS: dict[str, tuple[str, Text]] = {
    "finding.raised": ("monitor", Text("finding", "发现异常")),
    "assessment.opened": ("assess", Text("assessment opened", "研判立项")),
    "assessment.confirmed": ("assess", Text("assessment confirmed", "研判确认")),
    "warning.drafted": ("warn", Text("warning drafted", "预警起草")),
    "warning.submitted": ("warn", Text("warning submitted", "预警送审")),
    "warning.approved": ("warn", Text("warning approved and sent", "预警签发")),
    "delivery.accepted": ("warn", Text("delivered", "送达")),
    "delivery.answered": ("warn", Text("answered", "应答")),
    "incident.opened": ("respond", Text("incident opened", "启动响应")),
    "task.done": ("respond", Text("task done", "任务完成")),
    "report.filed": ("respond", Text("report filed", "报告报送")),
    "incident.stood_down": ("respond", Text("stood down", "响应终止")),
    "review.made": ("review", Text("review", "评估")),
}


def timeline(entries: Iterable[Entry]) -> tuple[Milestone, ...]:
    """The first entry of each kind of hop, in the order in which they happened."""
    seen: dict[str, Milestone] = {}
    for entry in entries:
        if entry.kind in HOPS and entry.kind not in seen:
            stage, what = HOPS[entry.kind]
            seen[entry.kind] = Milestone(stage, what, entry.at, entry.subject, None)
    ordered = sorted(seen.values(), key=lambda hop: hop.at)
    return tuple(
        replace(hop, since_previous=hop.at - before.at if before else None)
        for before, hop in zip([None, *ordered[:-1]], ordered, strict=True)
    )
