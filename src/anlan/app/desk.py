"""The running system as the console and the HTTP API see it. Implements anlan.ports.desk.Desk.

What readers see is in `anlan.app.reading`, who they are in `anlan.app.people`; here is every change.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from anlan import dispatch, flow
from anlan.acts import perform
from anlan.acts.perform import approvable
from anlan.app.again import come_due
from anlan.app.arrival import arrive
from anlan.app.house import RunningHouse
from anlan.app.people import People
from anlan.app.reading import Reading
from anlan.app.workspace import Lease
from anlan.channels.manifest import fetch_secret
from anlan.model.errors import AnlanError, NotAllowed, NotFound, StoreUnavailable, WrongState
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.model.time import parse_instant
from anlan.model.user import User
from anlan.model.warning import Delivery, Warning
from anlan.monitor.freshness import failed, freshness
from anlan.ports.channel import Receipt
from anlan.ports.desk import STEP_UP, IngestResult
from anlan.ports.source import Batch
from anlan.sources.push.source import pushed
from anlan.turn import Turn
from anlan.warn import ladder
from anlan.warn.proof import ANSWER, RECEIPT, is_number, read_token, replied

#: seconds that a change waits for the one before it
PATIENCE = 15.0
COUNTED_AGAIN = Reason(
    "counted_again",
    Text("the lake holds rows that a killed turn had not counted", "数据湖中有被中断的回合未计入的行"),
)
#: a reply by SMS whose stamp is further from now than this is refused
STALE = timedelta(minutes=10)
#: so many small files in the lake, and they are merged
FRAGMENTS = 500


class RunningDesk(Reading, People):
    """Every change is one turn under one lock: decide, then commit. Readers get a fold that nobody
    changes any more. Messages leave within the turn, unless `changed` is set: then it is called after
    each commit that may have left something to hand over or to wait for, and others see to that.

    `lease` is the right to write in the workspace; without one the first change takes it."""

    def __init__(self, house: RunningHouse, lease: Lease | None = None) -> None:
        People.__init__(self, house)
        Reading.__init__(self, house)
        self.changed: Callable[[], None] | None = None
        self._lease = lease
        self._lock = threading.Lock()
        self._behind = False
        self._owed: set[str] = set()

    # -- acting -------------------------------------------------------------------------------------

    def act(self, user: User, act: str, subject: str, fields: Mapping[str, str]) -> tuple[str, ...]:
        proof = self._step_up(user, act, subject, fields)
        with self._turn():
            turn = Turn(self.house, self.house.clock.now(), proof=proof)
            perform(turn, user, act, subject, fields)
            flow.warn(turn)
            written = tuple(dict.fromkeys(draft.subject for draft in turn.drafts))
            self._end(turn)
            return written

    def _step_up(self, user: User, act: str, subject: str, fields: Mapping[str, str]) -> str:
        """How the user shows once more who they are. What would be refused anyway is refused first, so that
        it costs no code."""
        if act not in STEP_UP:
            return ""
        seen = self._seen()
        approvable(Turn(seen, seen.clock.now(), proof="code"), user, subject, fields)
        return self.accounts.step_up(user.name, fields.get("code", ""), self._account_clock())

    def rehearse(self, user: User, act: str, subject: str, fields: Mapping[str, str]) -> Warning:
        if act in STEP_UP:
            raise WrongState("an approval is not rehearsed", where="act", found=act)
        seen = self._seen()
        seen.state = self._shown.still()
        turn = Turn(seen, seen.clock.now())
        perform(turn, user, act, subject, fields)
        made = [draft.value for draft in turn.drafts if isinstance(draft.value, Warning)]
        if not made:
            raise WrongState("the act writes no message", where="act", found=act)
        return made[-1]

    def ingest(self, raw: bytes, content_type: str, source: str) -> IngestResult:
        if source not in self.house.pack.sources:
            raise NotFound(
                "no such source",
                where="source",
                found=source,
                expected=", ".join(sorted(self.house.pack.sources)),
            )
        push = pushed(self.house.pack.sources[source])
        now, pack = self.house.clock.now(), self.house.pack
        batch = push.read(raw, f"push {content_type}", now, pack, content_type)
        return self.take((batch,))

    def take(self, batches: Sequence[Batch]) -> IngestResult:
        """One turn on what sources brought; durable when it returns. StoreUnavailable: nothing is
        acknowledged, and what of it did reach the lake is known again when it is sent again."""
        with self._turn():
            self.house.check_space()
            arrived = [arrive(batch, self.house.lake, self.house.clock) for batch in batches]
            fresh = tuple(batch for batch, _ in arrived)
            news = {item.indicator for batch in fresh for item in batch.observations}
            # until the turn is whole these have news that no rule has looked at
            also, self._owed = tuple(self._owed), self._owed | news
            try:
                turn = flow.begin(self.house, self.house.clock.now(), fresh, also)
                held, accepted = tuple(dict.fromkeys(turn.held)), turn.accepted
                self._end(turn)
            except StoreUnavailable:
                # nobody may send it again: the desk's clocks look at it once the store answers, not only
                # when something else falls due
                if self.changed is not None:
                    self.changed()
                raise
            finally:
                # what reached the lake is there, whatever became of the turn
                self._reports.hear(item for batch in fresh for item in batch.observations)
            self._owed.clear()
            refused = len(turn.held) - sum(len(batch.quarantined) for batch in fresh)
            sent = sum(len(batch.observations) for batch in batches)
            return IngestResult(accepted, sent - accepted - refused, held)

    def tick(self) -> datetime | None:
        """What is due by now; when the next thing is due."""
        for one in come_due(self.house, self.house.clock.now()):
            # where there is no room for it, it is looked at again the next time
            with suppress(StoreUnavailable):
                self.take((one.batch,))
                one.settle(self.house)
        with self._turn():
            turn = flow.begin(self.house, self.house.clock.now(), (), tuple(self._owed))
            self._end(turn)
            self._owed.clear()
            return flow.next_due(self.house, self.house.clock.now())

    def silent(self, source: str) -> None:
        """One more attempt at a source that brought no answer."""
        with self._turn():
            now = self.house.clock.now()
            # late first: what goes unknown with it is found by the change of status
            turn = flow.begin(self.house, now)
            after = failed(self.pack.sources[source], turn.state.sources.get(source), now)
            turn.put(f"source.{after.status}", after, why=after.reasons[0])
            self._end(turn)

    def settle(self, id: str, receipt: Receipt | None) -> None:
        """What came of an attempt at a delivery; None where its warning was over before."""
        self.settle_many([(id, receipt)])

    def settle_many(self, outcomes: Sequence[tuple[str, Receipt | None]]) -> None:
        """What came of several attempts, in one turn and one commit."""
        with self._turn():
            turn = Turn(self.house, self.house.clock.now())
            dispatch.settle_many(turn, outcomes)
            self._end(turn)

    def recover(self) -> None:
        """After a start: what was committed but not handed over leaves now; what reached the lake
        without a turn is looked at by the next one, save for what is unknown because it is late."""
        with self._turn():
            late = {id for id, s in self.house.state.sources.items() if s.status in ("late", "dead")}
            unknown = {i for id in late if id in self.pack.sources for i in self.pack.sources[id].indicators}
            self._owed |= set(self.house.lake.indicators()) - unknown
            self._count_again()
            if self.changed is None:
                flow.recover(self.house, self.house.clock.now())

    def _count_again(self) -> None:
        """A kill between the lake and the journal leaves rows that no turn has counted: the lake is the
        record, so what it holds beyond the count is added, with the reason."""
        turn = Turn(self.house, self.house.clock.now())
        for source, (rows, last) in self.house.lake.sources().items():
            if source not in self.pack.sources:
                continue
            state = self.house.state.sources.get(source)
            if state is None:
                state = freshness(self.pack.sources[source], None, last, turn.now)
            if rows > state.accepted:
                counted = replace(state, accepted=rows)
                turn.put(f"source.{counted.status}", counted, why=COUNTED_AGAIN)
        if turn.drafts:
            self._end(turn)

    def upkeep(self) -> None:
        """Merge the small files of the lake once there are many."""
        if self.house.lake.fragments() > FRAGMENTS:
            self.house.check_space()
            self.house.lake.compact(self.house.clock.now())

    # -- what comes back ----------------------------------------------------------------------------

    def asked(self, token: str) -> Delivery:
        known = read_token(self.house.key, token)
        if known is None or known[0] != ANSWER or known[1] not in self._shown.deliveries:
            raise NotFound("no such link", where="answer", mend="open the link as it stands in the message")
        return self._shown.deliveries[known[1]]

    def receive(self, delivery: str, what: str, token: str, text: str = "") -> None:
        purpose = ANSWER if what == "answered" else RECEIPT
        if read_token(self.house.key, token) != (purpose, delivery):
            raise NotAllowed("the token is not this delivery's", where=f"delivery {delivery}")
        self._hear(delivery, what, text)

    def replied(self, sender: str, text: str, stamp: str, signature: str, body: bytes) -> str:
        where = "anlan.toml: sms_key"
        if not self.house.config.sms_key:
            raise NotAllowed("no gateway for replies is set up", where=where)
        key = fetch_secret(self.house.config.sms_key, where).encode()
        wanted = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, signature.removeprefix("sha256=")):
            raise NotAllowed("the signature is not the gateway's", where="sms")
        now = self.house.clock.now()
        if abs(now - parse_instant(stamp, "timestamp")) > STALE:
            raise NotAllowed("the reply is too old, or from the future", where="sms")
        state = self._shown
        tests = [state.deliveries[id] for test in state.contact_tests for id in state.copies.get(test, ())]
        waiting = [*(state.deliveries[id] for id in state.unanswered), *(t for t in tests if t.unanswered)]
        numbers = {d.recipient: self._number(d.recipient) for d in waiting}
        found = replied(self.house.key, sender, text, waiting, numbers)
        if found is None:
            raise NotFound(
                "no message waits for this reply", where="sms", expected="a code, from its own number"
            )
        self._hear(found.id, "answered", text)
        return found.id

    def _number(self, recipient: str) -> str:
        """The telephone number of a recipient: its address here; the pack's, where this workspace reaches it
        under the name of a service, which is no number."""
        address = self.house.recipient(recipient).address
        return address if is_number(address) else self.house.pack.recipients[recipient].address

    def _hear(self, id: str, what: str, text: str) -> None:
        """What the far end said, into the journal; nothing where it said so before."""
        with self._turn():
            turn = Turn(self.house, self.house.clock.now())
            delivery = self._delivery(id)
            if what == "answered":
                after = ladder.answer(delivery, delivery.recipient, text, turn.now)
            else:
                after = ladder.receipt(delivery, what, turn.now)
            if after != delivery:
                turn.put(f"delivery.{what}", after, after.risk, (after.warning,), after.recipient)
                self._end(turn)

    # -- a turn -------------------------------------------------------------------------------------

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The desk to oneself. Whatever is raised inside, the state is again what the journal says."""
        if not self._lock.acquire(timeout=PATIENCE):
            raise StoreUnavailable(
                "another change does not finish",
                where=str(self.house.workspace),
                expected=f"an end within {PATIENCE} s",
                mend="try again; nothing acknowledged is lost",
            )
        try:
            if self._lease is None:
                self._lease = Lease(self.house.workspace)
            self.house.keep()
            self._catch_up()
            try:
                yield
            except BaseException:
                self.house.state = self._shown.still()
                self._behind = True
                with suppress(AnlanError):
                    self._catch_up()
                raise
            self._show()
        finally:
            self._lock.release()

    def _catch_up(self) -> None:
        """After a turn that failed: what of it the journal has all the same (its messages were still to
        leave, or the answer to its commit was lost)."""
        if self._behind:
            for entry in self.house.journal.read(after=self.house.state.head):
                self.house.state.apply(entry)
            self._behind = False
            self._show()

    def _end(self, turn: Turn) -> None:
        if self.changed is None:
            flow.end(turn)
            return
        moved = any(not draft.kind.startswith("source.") for draft in turn.drafts)
        turn.commit()
        # readers first: who is called looks at what they see
        self._show()
        if moved:
            self.changed()

    def _show(self) -> None:
        if self._shown.head != self.house.state.head:
            self._shown = self.house.state.still()

    def close(self) -> None:
        """After the turn that runs now."""
        whole = self._lock.acquire(timeout=PATIENCE)
        try:
            self.accounts.close()
            self.house.close()
            if self._lease is not None:
                self._lease.release()
        finally:
            if whole:
                self._lock.release()
