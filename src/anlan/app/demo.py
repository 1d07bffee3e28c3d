"""The demonstration: recorded histories replayed into a workspace of their own, with real peers."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anlan.app.clock import VirtualClock
from anlan.app.config import FILE, ChannelConfig, read_config
from anlan.app.house import RunningHouse
from anlan.app.peers import LOOPBACK, Peers
from anlan.app.replay import Progress, Replay
from anlan.app.scenario import Scenario, find_scenario, watched_since
from anlan.app.workspace import init
from anlan.model.pack import Pack
from anlan.model.time import format_duration
from anlan.packs.load import load_pack
from anlan.packs.paths import pack_path
from anlan.review.make import score

SENDER = "demo@anlan.invalid"
STORIES = "story-"
KEY = "webhook.key"


@dataclass(slots=True)
class Demo:
    """One running demonstration; `close` ends it."""

    house: RunningHouse
    replay: Replay
    scenario: Scenario
    peers: Peers

    def run(self, report: Callable[[Progress], None] | None = None) -> None:
        self.replay.run(report)

    def close(self) -> None:
        self.peers.stop()
        self.house.close()


def pack_of(story: str) -> str:
    """The pack that tells a story: `demo` itself, or `story-<name>`."""
    return "demo" if story == "demo" else f"{STORIES}{story}"


def stories() -> list[str]:
    """Every story there is, the demonstration first."""
    found = {
        path.name.removeprefix(STORIES)
        for folder in pack_path()
        for path in folder.glob(f"{STORIES}*")
        if path.is_dir()
    }
    return ["demo", *sorted(found)]


def prepare(workspace: Path, story: str, language: str = "en", scenario: str = "") -> Demo:
    """A workspace made or gone on with; nothing is replayed yet. `scenario`: another of the story's
    pack than the one of the story's name."""
    pack: Pack | None = None
    if not (workspace / FILE).exists():
        pack = load_pack(pack_of(story), pack_path())  # a fault shows before anything is made
        init(workspace, pack_of(story), mode="replay", sender=SENDER, language=language)
    key = workspace / KEY
    if not key.exists():
        key.write_text(secrets.token_hex(32))
        key.chmod(0o600)
    peers = Peers.start(workspace)
    try:
        config = read_config(workspace)
        mail = ChannelConfig(
            "mail",
            "smtp",
            {
                "host": LOOPBACK,
                "port": peers.mail_port,
                "security": "none",
                "sender": SENDER,
            },
        )
        # the partner of the demonstration is on this very machine
        local = {"plain_http": True, "private_networks": True}
        hook = ChannelConfig("webhook", "webhook", {"key": {"file": str(key)}, **local})
        if pack is None:
            pack = load_pack(config.pack, pack_path())
        addresses = {
            r.id: f"{peers.web_url}{r.address}" for r in pack.recipients.values() if r.channel == "webhook"
        }
        config = replace(config, channel=(*config.channel, mail, hook), addresses=addresses)
        chosen = find_scenario(pack, scenario or story)
        start = min(window.start for window in chosen.windows)
        house = RunningHouse(workspace, VirtualClock(start), config, pack=pack)
        newest = house.journal.latest()
        if newest is not None:
            house.clock = VirtualClock(newest)
    except BaseException:
        peers.stop()
        raise
    return Demo(house, Replay(house, chosen), chosen, peers)


def closing(demo: Demo) -> dict[str, Any]:
    """The closing table: what came of it, and where to look."""
    house, state = demo.house, demo.house.state
    sent = [w for w in state.warnings.values() if w.sent is not None]
    deliveries = list(state.deliveries.values())
    raised = Counter(f.change for f in state.findings.values())
    colours = {str(n): house.pack.warning_level(n, demo.replay.end).colour.en for n in (1, 2, 3, 4)}
    rules = {state.findings[i].rule for t in state.assessments.values() for i in t.findings}
    scores = {
        rule: score(
            rule,
            list(state.findings.values()),
            house.pack,
            watched_since(rule, demo.scenario, house.pack),
            demo.replay.end,
        )
        for rule in sorted(rules)
    }
    workspace = house.workspace
    return {
        "story": demo.scenario.id,
        "from": demo.replay.start.isoformat(),
        "to": demo.replay.end.isoformat(),
        "observations": sum(house.lake.indicators().values()),
        "quarantined": len(house.lake.quarantined()),
        "findings": {"total": len(state.findings), **dict(sorted(raised.items()))},
        "risks": len(state.assessments),
        "warnings": {
            "total": len(sent),
            **{colours[str(n)]: sum(w.level == n for w in sent) for n in (1, 2, 3, 4)},
            "updates": sum(w.change == "update" for w in sent),
            "cancels": sum(w.change == "cancel" for w in sent),
        },
        "deliveries": {
            "total": len(deliveries),
            "delivered": sum(d.accepted is not None for d in deliveries),
            "answered": sum(d.answered is not None for d in deliveries),
            "climbed": sum(d.rung > 0 for d in deliveries),
        },
        "incidents": {
            "total": len(state.incidents),
            "open": sum(i.status == "open" for i in state.incidents.values()),
            "stood_down": sum(i.status == "stood_down" for i in state.incidents.values()),
        },
        "tasks": dict(sorted(Counter(t.status for t in state.tasks.values()).items())),
        "reports": dict(sorted(Counter(r.status for r in state.reports.values()).items())),
        "reviews": len(state.reviews),
        "lessons": len(state.lessons),
        "rules": {
            rule: {
                "hits": s.hits,
                "misses": s.misses,
                "false_alarms": s.false_alarms,
                "pod": _rounded(s.pod),
                "far": _rounded(s.far),
                "csi": _rounded(s.csi),
                "lead_hours": None if s.lead is None else round(s.lead.total_seconds() / 3600, 1),
                "lead": None
                if s.lead is None
                else _signed(s.lead.total_seconds(), format_duration(abs(s.lead))),
            }
            for rule, s in scores.items()
        },
        "journal": {"entries": house.journal.head()[0], "head": house.journal.head()[1]},
        "look": {
            "workspace": str(workspace),
            "cap_feed": str(workspace / "feed"),
            "mail": str(workspace / "mail"),
            "webhook": str(workspace / "webhook"),
            "drop": str(workspace / "drop"),
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _signed(seconds: float, text: str) -> str:
    return f"-{text}" if seconds < 0 else text
