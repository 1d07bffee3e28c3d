"""What a pack may ask of calls, and of the posts that must be manned."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from anlan.packs.check import check
from anlan.packs.load import load_pack
from sample_pack import DETECTORS, FILES, write

PLANS = "domains/water/plans.toml"
WITHOUT_RUNGS = FILES[PLANS].split("[[plan.rung]]", maxsplit=1)[0]
ASKED = 'recipients = ["desk"]\n'
WATCH = '[[watch]]\nid = "gate"\ntitle = { en = "gate", zh = "闸" }\nplace = "x"\nahead = "PT12H"\n'


def faults(folder: Path, lines: str, *, rungs: bool = False, roster: str = WATCH) -> list[str]:
    text = FILES[PLANS] if rungs else WITHOUT_RUNGS
    files = {**FILES, PLANS: text.replace(ASKED, ASKED + lines, 1), "roster.toml": roster}
    return [fault.message for fault in check(write(folder / "tiny", files), [], DETECTORS)[0]]


@pytest.mark.parametrize(
    ("lines", "rungs", "message"),
    [
        ("tries = 0\n", False, "nobody is called"),
        ("tries = 3\n", False, "calls are repeated in no time"),
        ('escalate_to = ["desk"]\n', False, "no time after which they are called"),
        ('escalate_to = ["desk"]\ntry_span = "PT5M"\n', True, "whom to call next is said twice"),
        ('escalate_to = ["nobody"]\ntry_span = "PT5M"\n', False, "no such recipient"),
        ('tries = 3\ntry_span = "PT45M"\n', True, "the tries last longer than the rung waits"),
        ('call_within = "PT31M"\n', True, "the call may come after its answer is due"),
        ('call_within = "PT0S"\n', True, "no time at all"),
        ('answers = "some"\n', True, "no such word"),
    ],
)
def test_calls_that_cannot_be_kept_are_faults(tmp_path: Path, lines: str, rungs: bool, message: str) -> None:
    assert message in faults(tmp_path, lines, rungs=rungs)


def test_a_post_lies_somewhere_and_looks_ahead(tmp_path: Path) -> None:
    assert faults(tmp_path, "", roster=WATCH.replace('"x"', '"nowhere"')) == ["no such place"]
    assert faults(tmp_path, "", roster=WATCH.replace("PT12H", "PT0S")) == ["looks no time ahead"]


def test_calls_and_posts_are_read_as_they_are_written(tmp_path: Path) -> None:
    lines = (
        'call_within = "PT3M"\ntries = 3\ntry_span = "PT5M"\nescalate_to = ["desk"]\n'
        'answers = "any"\nanswer_holds = "PT2H"\n'
    )
    assert faults(tmp_path, lines) == []
    pack = load_pack(tmp_path / "tiny", ())
    plan = pack.plans["flood-plan"]
    assert (plan.call_within, plan.tries, plan.try_span) == (timedelta(minutes=3), 3, timedelta(minutes=5))
    assert [(step.after, step.recipients) for step in plan.steps] == [
        (timedelta(minutes=5), ("desk",)),
        (timedelta(minutes=5), ()),
    ]
    assert (plan.answers, plan.answer_holds) == ("any", timedelta(hours=2))
    assert pack.watches["gate"].ahead == timedelta(hours=12)
