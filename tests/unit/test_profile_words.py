"""Whoever works in Chinese reads in Chinese what a message lacks to keep a profile."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from anlan.formats.cap.chinese import in_chinese

_HAN = re.compile(r"[一-鿿]")
#: codes that are written so in every language
CODES = {
    *("IPAWSv1.0", "profile:CAP-CP:…", "profile:CAP-CP:Event:…", "profile:CAP-CP:Location:…"),
    *("profile:CAP-TWP:Event:1.0", "'Test'", "'Unknown'"),
    "urn:oasis:names:tc:emergency:cap:1.2:profile:CAP-AU:1.0",
}


def _words(node: ast.expr) -> Iterator[str]:
    """What an argument can say, with 7 for what stands in it; nothing where it is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _words(node.body)
        yield from _words(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for one in node.values:
            yield from _words(one)


def _told() -> Iterator[str]:
    """Every `found` and `expected` in the checks of profiles, given at once or by a name."""
    for path in sorted(Path(str(files("anlan.formats.cap.profiles"))).glob("*.py")):
        # documents are not what this office publishes
        if path.stem == "documents":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {
            argument.id
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "broken"
            for argument in call.args[2:]
            if isinstance(argument, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "broken":
                for argument in node.args[2:]:
                    yield from _words(argument)
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in names:
                yield from _words(node.value)


FOUND = sorted({one for one in _told() if re.search(r"[A-Za-z]{2}", one)} - CODES)


def test_the_walk_sees_the_words() -> None:
    assert len(FOUND) > 60
    assert {"an enveloped signature", "24 hours without an update", "no SAME code", "7 areas"} <= set(FOUND)


@pytest.mark.parametrize("words", FOUND)
def test_what_a_profile_asks_has_chinese_words(words: str) -> None:
    assert _HAN.search(in_chinese(words)), "profile_words.zh.csv has no row for it"


def test_a_value_of_the_message_stays_as_it_stands_there() -> None:
    assert in_chinese("'nothing and a hole'") == "'nothing and a hole'"
    assert in_chinese("4; red; Extreme") == "4; red; Extreme"
