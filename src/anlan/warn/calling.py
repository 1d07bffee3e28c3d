"""What stands in a message besides the warning's own words: how to answer it, and who has not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo

from anlan.model.delivery import Delivery
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.warn.ordering import NEVER_ARRIVED
from anlan.warn.words import clock, mark

#: so many names of those not reached; the rest is a number
NAMED = 20

_ASKED = Text("Your answer is needed by {by}.", "请于{by}前应答。")
_LINK = Text("Answer here: {link}", "应答链接：{link}")
_CODE = Text("Or reply by SMS with the code {code}.", "或短信回复代码 {code}。")
_MISSING = Text(
    "You are called because these have not answered: {names}.", "因下列接收方未应答而叫应您：{names}。"
)
_MORE = Text("{names} and {n} more", "{names}等另有{n}个")
_EARLIER = Text(
    "The earlier message that this one refers to did not reach you.", "本消息所引用的前一条消息未能送达您处。"
)
_AGAIN = Text("Call {n} of {most}.", "第{n}次叫应（共{most}次）。")


def prefaces(
    delivery: Delivery,
    pack: Pack,
    languages: Sequence[str],
    *,
    link: str = "",
    code: str = "",
    zone: tzinfo = UTC,
    mode: str = "Actual",
) -> dict[str, str]:
    """The lines before the words, for each of the recipient's languages; empty where there is nothing to
    say. Those of a message that is not Actual say so first: a call is obeyed before it is read to its end."""
    if delivery.answer_by is None and delivery.call is None and not delivery.reasons:
        return {}
    said = {}
    for language in languages or ("zh", "en"):
        lines = _lines(delivery, pack, language, link, code, zone)
        unreal = mark(mode, language)
        if lines:
            said[language] = "".join(f"{line}\n" for line in ([f"[{unreal}]"] if unreal else []) + lines)
    return said


def _lines(delivery: Delivery, pack: Pack, language: str, link: str, code: str, zone: tzinfo) -> list[str]:
    call, said = delivery.call, []
    if any(reason.code == NEVER_ARRIVED.code for reason in delivery.reasons):
        said.append(_EARLIER.in_(language))
    if delivery.answer_by is not None:
        said.append(_ASKED.in_(language).format(by=clock(delivery.answer_by, zone)))
        if call is not None and call.most > 1:
            said.append(_AGAIN.in_(language).format(n=call.tries, most=call.most))
        said += asks(language, link, code)
    if call is not None and call.not_reached:
        said.append(_MISSING.in_(language).format(names=_names(call.not_reached, pack, language)))
    return said


def asks(language: str, link: str, code: str) -> list[str]:
    """How a message is answered, as far as there is a way."""
    said = [_LINK.in_(language).format(link=link)] if link else []
    return [*said, _CODE.in_(language).format(code=code)] if code else said


def _names(ids: Sequence[str], pack: Pack, language: str) -> str:
    comma = "、" if language.lower().startswith("zh") else ", "
    known = [pack.recipients[id].name.in_(language) if id in pack.recipients else id for id in ids[:NAMED]]
    names = comma.join(known)
    more = len(ids) - NAMED
    return names if more <= 0 else _MORE.in_(language).format(names=names, n=more)
