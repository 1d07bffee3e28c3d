"""A real desk with one warning on its way: calls that wait, a roster with a gap."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from desk import PASSWORD

from anlan import flow
from anlan.app.clock import WallClock
from anlan.app.config import Config
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.model.assessment import Assessment
from anlan.model.pack import Pack
from anlan.model.roster import Watch
from anlan.model.text import Text
from anlan.model.warning import Contents, Recipient, Warning
from anlan.ports.channel import Receipt
from anlan.turn import Turn
from chain_pack import MINUTE, PLAN, Post, chain_pack

WARNING, RISK = "W-calls", "R-calls"
SMS_KEY = "the gateway's key, long enough"


def crowd(count: int) -> Pack:
    """`count` readers on one channel, three offices that must answer, one above them."""
    recipients = {
        f"r{n:03d}": Recipient(
            f"r{n:03d}",
            Text(f"Village {n}", f"第{n}村"),
            "post",
            f"+8613800{n:06d}",
            ("x",),
            languages=("zh",),
        )
        for n in range(count)
    }
    offices = {
        id: Recipient(id, Text(en, zh), "post", number, ("x",), answers=True)
        for id, en, zh, number in (
            ("county", "Duty office of the county", "县应急值班室", "+86 138-0000-0001"),
            ("town", "Duty office of the town", "镇值班室", "+86 138-0000-0002"),
            ("dam", "Keeper of the dam", "水库管护员", "+86 138-0000-0003"),
            ("city", "Duty office of the city", "市应急值班室", "+86 138-0000-0004"),
        )
    }
    plan = replace(
        PLAN,
        recipients=("county", "town", "dam", *recipients),
        ladder=(),
        opens_at=1,
        call_within=3 * MINUTE,
        tries=3,
        try_span=5 * MINUTE,
        escalate_to=("city",),
    )
    return chain_pack(
        recipients={**recipients, **offices},
        plans={"flood-plan": plan},
        duties={},
        watches={"gate": Watch("gate", Text("Flood duty desk", "防汛值班"), "x")},
    )


class Moved(WallClock):
    """The wall's clock, so many minutes on."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


def make(folder: Path, count: int = 120) -> RunningDesk:
    """The desk; the message was approved now, most copies are handed over, some failed."""
    (folder / "chain").mkdir()
    (folder / "chain" / "pack.toml").write_text("# made in the test\n")
    (folder / "sms.key").write_text(SMS_KEY)
    (folder / "anlan.toml").write_text('pack = "chain"\nsender = "a@b.invalid"\n')
    pack = replace(crowd(count), folders=(str(folder / "chain"),))
    config = Config(
        pack="chain",
        sender="a@b.invalid",
        url="https://warn.invalid",
        sms_key={"file": str(folder / "sms.key")},
    )
    desk = RunningDesk(RunningHouse(folder, Moved(), config, pack=pack))
    post = Post()
    post.receipts |= {
        "r003": Receipt(False, "no such number"),
        "r007": Receipt(False, "engaged", transient=True),
        # it takes the whole message and dies before it says so
        "r009": Receipt(False, "no_answer: SMTPServerDisconnected", transient=True, doubtful=True),
        "dam": Receipt(False, "engaged", transient=True),
    }
    desk.house._channels["post"] = post
    now = datetime.now(UTC)
    words = Text("Water over the road at the bridge", "桥面漫水")
    risk = Assessment(
        RISK, "flood", "water", "x/a", words, now, now, "automatic", "confirmed", "known", 2, 2, ()
    )
    contents = Contents(
        Text("Natural disaster", "自然灾害"),
        now,
        Text("Alpha", "甲县"),
        Text("The river rises by a metre within the hour.", "河水一小时内上涨一米。"),
        Text("Leave the bank; go up the hill.", "离开河岸，向高处转移。"),
        Text("Flood office", "防汛办"),
    )
    warning = Warning(
        WARNING, RISK, "alert", "approved", "Actual", "Public", "flood", 2, ("x/a",), contents,
        Text("Orange: flood in Alpha", "甲县洪水橙色预警"), now, now + timedelta(hours=6), "office",
        "act-2010#5", "ada", "ben", now, now, plan="flood-plan",
    )  # fmt: skip
    with desk._turn():
        turn = Turn(desk.house, desk.clock.now())
        turn.put("assessment.opened", risk, risk.id)
        flow.publish(turn, replace(warning, sent=turn.now), "ben")
        flow.keep_watch(turn)
        desk._end(turn)
    for name in ("ada", "ben"):
        desk.set_password(name, PASSWORD)
    return desk


def later(desk: RunningDesk, span: timedelta) -> None:
    """The desk's clock moved on, and what falls due done, instant by instant as a live desk would."""
    clock = desk.clock
    assert isinstance(clock, Moved)
    end = clock.now() + span
    while (due := flow.next_due(desk.house)) is not None and due <= end:
        clock.ahead += max(timedelta(0), due - clock.now())
        desk.tick()
    clock.ahead += max(timedelta(0), end - clock.now())
    desk.tick()
