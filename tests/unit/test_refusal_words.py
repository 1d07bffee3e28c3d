"""Whoever works in Chinese is told in Chinese why an act was refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from anlan.model.errors import InvalidValue, NotAllowed, WrongState
from anlan.web.refusal_words import refusal, said

#: what a person's act runs into, from the form to the law
MODULES = (
    *(f"acts/{name}" for name in ("access", "assessments", "perform", "responses", "silences", "warnings")),
    "acts/wording",
    *(f"warn/{name}" for name in ("approve", "compose", "contact", "drawn", "roster", "silence")),
    "assess/thread",
    "packs/drawing",
    "packs/resolve",
    *(f"web/{name}" for name in ("acts", "analyst", "seriesview")),
)
ERRORS = ("InvalidValue", "WrongState", "NotAllowed", "NotFound", "UnknownPlace")
_HAN = re.compile(r"[一-鿿]")


def _words(node: ast.expr) -> Iterator[str]:
    """What an argument can say, with X for what stands in it; nothing where it is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.Constant) else "X" for one in node.values]
        yield "".join(map(str, parts))
    elif isinstance(node, ast.IfExp):
        yield from _words(node.body)
        yield from _words(node.orelse)


def _raised() -> Iterator[str]:
    for module in MODULES:
        tree = ast.parse(Path(str(files("anlan").joinpath(f"{module}.py"))).read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") in ERRORS):
                continue
            for argument in (
                *call.args[:1],
                *(k.value for k in call.keywords if k.arg in ("expected", "mend")),
            ):
                yield from _words(argument)


@pytest.mark.parametrize("words", sorted({one for one in _raised() if re.search(r"[A-WYZa-z]{3}", one)}))
def test_every_refusal_of_an_act_has_chinese_words(words: str) -> None:
    assert _HAN.search(said(words)), "messages/refusals.zh.csv has no row for it"


def test_a_refusal_is_told_whole_in_the_language_of_the_reader() -> None:
    late = InvalidValue(
        "the end is not after the start", where="expires", found="2018-02-01T00:00:00Z", expected="after Z"
    )
    assert refusal(late, "en") == late.sentence()
    assert refusal(late, "zh") == "结束时间：结束时间不晚于开始时间；实际为2018-02-01T00:00:00Z；应为晚于 Z"
    alone = NotAllowed("author and approver must be two persons", basis="law#5", where="W-1")
    assert refusal(alone, "zh") == "W-1：起草人与批准人不得为同一人［law#5］"
    open_one = WrongState("another message of this risk is open", found="W-2 (draft, by hua, since 2018Z)")
    assert refusal(open_one, "zh") == "该风险另有一条消息尚未处理；实际为W-2（草稿，hua，自 2018Z）"


def test_words_that_nobody_has_put_into_chinese_stay_as_they_are() -> None:
    assert refusal(WrongState("quite new", where="here"), "zh") == "here：quite new"
