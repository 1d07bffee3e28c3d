"""What a chat service says in the body of its answer: WeCom, DingTalk, Feishu and Lark refuse with HTTP 200
and a number, which Apprise (2.3) reads for some of them and shows for none.

Numbers: developer.work.weixin.qq.com/document/path/90313 (WeCom); open.dingtalk.com, custom robots
(DingTalk); open.feishu.cn, custom bots (Feishu, Lark).
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from apprise import NotifyBase

#: scheme of Apprise -> where the number stands; 0, or none, is no refusal
NUMBERS: Mapping[str, str] = {
    "wecombot": "errcode",
    "dingtalk": "errcode",
    "feishu": "code",
    "lark": "code",
}
#: too much at once, or busy: the same again later may be taken
LATER: Mapping[str, frozenset[int]] = {
    "wecombot": frozenset({-1, 45009, 45033}),
    "dingtalk": frozenset({-1, 130101, 410100}),
    "feishu": frozenset({11232, 11233}),
    "lark": frozenset({11232, 11233}),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The number that the service gave; `later` where the same may be taken later."""

    number: int
    later: bool


@dataclass(slots=True)
class Heard:
    """What is heard of one call while it goes on: `no_way`, that there was no connection; the `answers`."""

    no_way: bool = False
    answers: list[Any] = field(default_factory=list)


#: of the call that goes on here; Apprise makes it in a thread of its own, which has the context of the caller
HEARD: ContextVar[Heard | None] = ContextVar("heard", default=None)


class _Listening:
    """The library `requests` as a module of Apprise sees it: what it is answered is kept."""

    def __init__(self, requests: Any) -> None:
        self._requests = requests

    def __getattr__(self, name: str) -> Any:
        return getattr(self._requests, name)

    def post(self, *words: Any, **named: Any) -> Any:
        answer = self._requests.post(*words, **named)
        heard = HEARD.get()
        if heard is not None:
            heard.answers.append(answer)
        return answer


_PUTTING = threading.Lock()


def listen(service: NotifyBase, scheme: str) -> Heard:
    """Before the service is told: what is heard of the call, from now on."""
    heard = Heard()
    HEARD.set(heard)
    if scheme in NUMBERS:
        module: Any = sys.modules[type(service).__module__]
        with _PUTTING:
            if not isinstance(module.requests, _Listening):
                module.requests = _Listening(module.requests)
    return heard


def refusal(heard: Heard, scheme: str) -> Refusal | None:
    """The first refusal that stands in the body of an answer, None where there is none."""
    for answer in heard.answers:
        try:
            number = json.loads(answer.content)[NUMBERS[scheme]]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(number, int) and number != 0:
            return Refusal(number, number in LATER[scheme])
    return None
