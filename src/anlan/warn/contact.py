"""Testing a contact: a message that is none, through the channel of the person on duty.

It goes the way of every message (outbox, retries, receipts, answers), and never beside one: it has status
Test and restricted scope, so no channel that reaches the public takes it; it belongs to no risk, no plan and
no ladder, so nobody is called when it is not answered; and it stands in no list of warnings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from anlan.formats.cap import CapAlert, CapArea, CapInfo, write
from anlan.formats.values import short_id
from anlan.model.contact import ContactTest
from anlan.model.delivery import Delivery
from anlan.model.errors import NotFound, WrongState
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Contents, Recipient, Warning
from anlan.warn.calling import asks
from anlan.warn.words import mark

#: how long an answer is waited for
WAIT = timedelta(minutes=15)

#: never: nothing was sent to it as a test; under_way: not handed over yet; reached: the next system has it,
#: an answer may come; answered; unanswered: handed over, and nobody said so in time; failed: it did not get
#: there
OUTCOMES = ("never", "under_way", "reached", "answered", "unanswered", "failed")

MARK = "TEST — 测试"
_HEADLINE = Text("TEST: is this contact reached?", "测试：此联系方式能否收到？")
_WORDS = Text(
    "This is a test of your contact for the duty roster. There is no emergency.",
    "这是对值班联系方式的测试，没有发生紧急情况。",
)
_DO = Text("Please answer that you have it.", "请应答表示已收到。")
_REPEAT = Text("Sent again: an earlier copy may have arrived.", "重发：此前一份可能已送达。")
_KIND = Text("Test of a contact", "联系方式测试")


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of the newest test of a contact, when that was decided (sent, answered), and what was said.
    `due`: it was never tested, or not for as long as is asked for."""

    outcome: str
    at: datetime | None = None
    said: str = ""
    due: bool = False


def begin(
    recipient: str, by: str, public: bool, state: State, pack: Pack, now: datetime
) -> tuple[ContactTest, Delivery]:
    """A test and its copy. `public`: whether the recipient's channel reaches the public. NotFound for a
    recipient that the pack does not have; WrongState for a public channel, and while another test of the
    same contact waits."""
    if recipient not in pack.recipients:
        raise NotFound("no such recipient", where="contact", found=repr(recipient))
    to = pack.recipients[recipient]
    if public:
        raise WrongState(
            "a channel that reaches the public takes no test",
            where=recipient,
            found=to.channel,
            expected="a contact by a channel with public = false",
        )
    if tested(recipient, state, now).outcome in ("under_way", "reached"):
        raise WrongState("a test of this contact waits for its answer", where=recipient)
    test = ContactTest(short_id("T", recipient, now.isoformat()), recipient, to.channel, by, now, now + WAIT)
    copy = Delivery(short_id("D", test.id, recipient, "0"), test.id, "", recipient, to.channel, 0, "due", now)
    return test, copy


def tested(recipient: str, state: State, now: datetime, every: timedelta = timedelta(days=30)) -> Tested:
    """What is known of a contact by its tests; nothing else counts, not even an answered call."""
    tests = [test for test in state.contact_tests.values() if test.recipient == recipient]
    if not tests:
        return Tested("never", due=True)
    test = max(tests, key=lambda test: test.at)
    (id,) = state.copies.get(test.id, {"": 0})
    copy = state.deliveries.get(id)
    due = now - test.at > every
    if copy is None:
        return Tested("under_way", test.at, due=due)
    if copy.answered is not None:
        return Tested("answered", copy.answered, copy.answer, due)
    if copy.status in ("given_up", "unknown", "expired"):
        why = copy.reasons[-1].text.en if copy.reasons else ""
        return Tested("failed", test.at, why, due)
    if copy.status in ("due", "failed"):
        late = test.answer_by <= now
        return Tested("failed" if late else "under_way", test.at, due=due)
    return Tested("unanswered" if test.answer_by <= now else "reached", test.at, due=due)


def message(test: ContactTest, pack: Pack) -> Warning:
    """The test in the form that channels take: of status Test and restricted scope, of no hazard."""
    known = pack.recipients.get(test.recipient)
    name = known.name if known else Text(test.recipient, test.recipient)
    return Warning(
        id=test.id,
        risk="",
        change="alert",
        status="approved",
        mode="Test",
        scope="Restricted",
        hazard="",
        level=4,
        places=known.places if known else (),
        contents=Contents(_KIND, test.at, name, _WORDS, _DO, Text("anlan", "anlan")),
        headline=_HEADLINE,
        drafted=test.at,
        expires=test.answer_by,
        organ="",
        basis="",
        author=test.by,
        sent=test.at,
    )


def cap(test: ContactTest, to: Recipient, sender: str, zone: tzinfo = UTC) -> bytes:
    """The CAP message of a test: its bytes say that it is one. Instants are in `zone`."""
    infos = tuple(
        CapInfo(
            categories=("Other",),
            event=_KIND.in_(language),
            urgency="Unknown",
            severity="Unknown",
            certainty="Unknown",
            language=tag,
            expires=test.answer_by.replace(microsecond=0).astimezone(zone),
            headline=_HEADLINE.in_(language),
            description=_WORDS.in_(language),
            instruction=_DO.in_(language),
            areas=(CapArea(to.name.in_(language)),),
        )
        for language, tag in (("zh", "zh-CN"), ("en", "en-US"))
    )
    return write(
        CapAlert(
            test.id,
            sender,
            test.at.replace(microsecond=0).astimezone(zone),
            "Test",
            "Alert",
            "Restricted",
            restriction="仅限该接收方 / for this recipient only",
            note=MARK,
            infos=infos,
        )
    )


def words(to: Recipient, *, repeat: bool, link: str = "", code: str = "") -> tuple[str, dict[str, str], str]:
    """Subject, how to answer by language, and the text, in the recipient's languages."""
    languages = to.languages or ("zh", "en")
    asked = {one: "".join(f"{line}\n" for line in asks(one, link, code)) for one in languages}
    first = {one: f"[{mark('Test', one)}]\n{lines}" for one, lines in asked.items() if lines}
    said = [
        line.in_(language)
        for language in languages
        for line in (_HEADLINE, *((_REPEAT,) if repeat else ()), _WORDS, _DO)
    ]
    subject = " / ".join(dict.fromkeys(_HEADLINE.in_(language) for language in languages))
    return subject, first, "\n".join([f"*** {MARK} ***", *said]) + "\n"
