"""What the console and the HTTP API ask of the running system."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from anlan.model.entry import Entry
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.user import User
from anlan.model.warning import Delivery, Warning
from anlan.ports.clock import Clock

MODES = ("live", "replay", "exercise")

#: acts that ask who does them to show once more who they are, by a one-time code in the field `code`
STEP_UP = ("warning.approve",)
#: the fields of a message's words; `drawing` is GeoJSON, a circle or pairs of latitude,longitude
MESSAGE = (
    "level",
    "starts",
    "expires",
    "places",
    "drawing",
    "headline_en",
    "headline_zh",
    "matters_en",
    "matters_zh",
    "measures_en",
    "measures_zh",
    "area_en",
    "area_zh",
)

# act -> names of the fields it reads; every act but `delivery.answer` also takes `reason`.
ACTS: dict[str, tuple[str, ...]] = {
    "assessment.confirm": ("reason",),
    "assessment.watch": ("reason",),
    "assessment.dismiss": ("reason",),
    "assessment.merge": ("into", "reason"),
    "assessment.split": ("findings", "reason"),
    "assessment.finalise": ("reason",),
    "assessment.open": ("hazard", "place", "title", "level", "severity", "certainty", "reason"),
    "assessment.judge": ("level", "severity", "certainty", "reason"),
    "warning.compose": ("hazard", "place", "title", "severity", "certainty", *MESSAGE, "reason"),
    "warning.edit": (*MESSAGE, "reason"),
    "warning.submit": ("reason",),
    "warning.approve": ("code", "reason"),
    "warning.return": ("reason",),
    "warning.reject": ("reason",),
    "warning.update": ("level", "expires", "reason"),
    "warning.raise": ("level", "reason"),
    "warning.lower": ("level", "reason"),
    "warning.extend": ("expires", "reason"),
    "warning.correct": (*MESSAGE, "reason"),
    "warning.cancel": ("reason",),
    "warning.all_clear": ("reason",),
    "delivery.answer": ("answer",),
    "delivery.send_again": ("reason",),
    "shift.add": ("person", "contact", "begins", "ends", "reason"),
    "shift.remove": ("reason",),
    "shift.test": ("reason",),
    "task.done": ("note", "reason"),
    "report.file": ("text", "reason"),
    "incident.open": ("reason",),
    "incident.stand_down": ("reason",),
    "lesson.done": ("reason",),
    "handover": ("to", "note", "reason"),
    "silence.set": ("places", "hazards", "rules", "recipients", "begins", "ends", "red", "reason"),
    "silence.lift": ("reason",),
}


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of one delivery of observations: `accepted` new rows, `repeated` rows that were
    already there, `quarantined` the ids under which the unusable rest is kept."""

    accepted: int
    repeated: int
    quarantined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceSeries:
    """One place of a `Retrospect`: `values` one per time, NaN where missing; the others one per tested
    time: expected and threshold NaN where not worked out, `alarm` 1, 0 or -1 (unknown), `reason` the
    detector's number."""

    values: NDArray[np.float64]
    expected: NDArray[np.float64]
    threshold: NDArray[np.float64]
    alarm: NDArray[np.int8]
    reason: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class MarkSeen:
    """A change of what is counted: from index `at` of the axis on a definition applies (`begins`), or no
    longer. `words`: what follows for comparisons, in a sentence; `basis` of the definition."""

    at: int
    begins: bool
    title: Text
    words: Text
    basis: str


@dataclass(frozen=True, slots=True)
class SumSeen:
    """A place and those directly below it. `summed`: it reports nothing itself and is their sum; else it
    has values of its own, which are kept beside the sum. `children` in force; `total` one per time, of the
    children that are there (NaN where none is); `lack` [n_children, n_times] who has no usable value."""

    summed: bool
    children: tuple[str, ...]
    total: NDArray[np.float64]
    lack: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ComingSeen:
    """The periods of a place of which reports still come: `at` their indexes of the axis, oldest first; of
    the count in the end `median`, `lower` and `upper` (with 95 %), NaN where it cannot be estimated; `why`
    says by then what lacks: `count` (nothing usable came for the period), `reports` (too few past periods
    were seen as they grew), `sum` (members of a sum have no usable count); empty where it is estimated."""

    at: tuple[int, ...]
    lower: NDArray[np.float64]
    median: NDArray[np.float64]
    upper: NDArray[np.float64]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retrospect:
    """What a rule's detector says of the last periods as known at `known`: `times` the axis, `tested`
    indexes of it, `series` by place; `marks` changes of definition by place, where there are any; `sums`
    by place, where its values add up; `coming` by place, where reports of the last periods still come."""

    known: datetime
    times: tuple[datetime, ...]
    tested: tuple[int, ...]
    series: Mapping[str, PlaceSeries]
    marks: Mapping[str, tuple[MarkSeen, ...]] = field(default_factory=dict)
    sums: Mapping[str, SumSeen] = field(default_factory=dict)
    coming: Mapping[str, ComingSeen] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClusterSeen:
    """A cluster in space and time. `lon`, `lat` degrees and `radius` km of its circle; `members` nearest to
    the centre first; `relative_risk` rate inside / rate outside; `strong` where chance is a poor
    explanation (p of 0.05 or less); `missing` cells of it without a count; `words` the whole of it."""

    rank: int
    centre: str
    members: tuple[str, ...]
    lon: float
    lat: float
    radius: float
    start: date
    end: date
    observed: float
    expected: float | None
    relative_risk: float | None
    llr: float
    p_value: float | None
    recurrence_days: float | None
    strong: bool
    missing: int
    words: Text


@dataclass(frozen=True, slots=True)
class ClustersSeen:
    """What a scan of `places` found as known at `known`: `unknown` says why there is no answer (never read
    that as no cluster); `coverage` what was scanned, `left_out` reason -> places; `more` weaker clusters
    that are not listed."""

    known: datetime
    timing: str
    model: str
    unknown: Text | None
    coverage: Text
    left_out: tuple[tuple[Text, tuple[str, ...]], ...]
    places: tuple[str, ...]
    clusters: tuple[ClusterSeen, ...]
    more: int
    #: place, longitude, latitude of what was scanned
    points: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceReport:
    """The newest period `at` that a place has reported with a value, known `since`; the `value`, in the
    indicator's unit, has been the same in every period from `same` on."""

    place: str
    at: datetime
    since: datetime
    value: float
    same: datetime


@dataclass(frozen=True, slots=True)
class Unreported:
    """Places of an indicator of which nothing is known now though a source of it goes on: `silent` report
    nothing any more, the newest report of `stuck` has been the same value for too long; each longest ago
    first. `places`: all that report, these included."""

    indicator: str
    places: tuple[str, ...]
    silent: tuple[PlaceReport, ...]
    stuck: tuple[PlaceReport, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the public sees of a message on one channel in one language, by the channel's own code.
    `channel`: cap, mail, cell_broadcast, wea, sms; `form`: which of the channel's forms was taken (full,
    short, headline; "" where not even the shortest fits, then `text` is that one). `used` of `limit` in
    `unit`; limit 0 means none. `parts`: SMS parts or pages."""

    channel: str
    language: str
    form: str
    text: str
    used: int
    limit: int
    unit: str
    parts: int
    outside: tuple[str, ...] = ()
    source: str = ""

    @property
    def fits(self) -> bool:
        """Within the limit, or without one."""
        return not self.limit or self.used <= self.limit


class Desk(Protocol):
    """The system as one duty room sees it. Safe to call from several threads at once."""

    @property
    def pack(self) -> Pack: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def zone(self) -> tzinfo:
        """In which messages tell their instants."""
        ...

    @property
    def mode(self) -> str:
        """live, replay or exercise."""
        ...

    def state(self) -> State:
        """The current fold of the journal. The caller only reads it, and nobody changes the returned
        value while it does."""
        ...

    def entries(self, risk: str) -> Sequence[Entry]:
        """Every journal entry of a risk, in order; empty when the risk is unknown."""
        ...

    def changes(self, after: int, limit: int | None = None) -> Sequence[Entry]:
        """Entries with seq > `after`, in order; with `limit`, the first so many of them."""
        ...

    def as_known(self, known: datetime, tables: Collection[str]) -> State:
        """These `tables` of the state (`warnings`, `relayed`, `sources` …) as they were at an instant; the
        others are empty. The time it takes follows what has changed since, not the length of the journal."""
        ...

    def last_handover(self) -> Entry | None:
        """The entry of the newest handover, or None when no shift was handed over yet."""
        ...

    def series(self, indicator: str, place: str) -> Sequence[tuple[datetime, float | None]]:
        """(at, value) as known now, in order of `at`, in the indicator's unit; value None is a gap."""
        ...

    def unreported(self) -> Sequence[Unreported]:
        """Indicators of which places have stopped reporting, or stand still, while a source of them goes
        on. A place that has reported nothing for 400 days is taken for closed."""
        ...

    def retrospect(
        self, rule: str, known: datetime, periods: int, places: Sequence[str] | None = None
    ) -> Retrospect:
        """What the rule's detector says of the last `periods` periods at every place, or at `places`
        alone, as known at `known`. NotFound for an unknown rule."""
        ...

    def later(self, seen: Retrospect, rule: str, place: str) -> PlaceSeries:
        """The values of one place on the axis of `seen`, as known now."""
        ...

    def clusters(
        self,
        indicator: str,
        places: Sequence[str],
        known: datetime,
        timing: Literal["prospective", "retrospective"],
    ) -> ClustersSeen:
        """The clusters of a counted indicator among `places`, as known at `known`: those that go on at its
        end (`prospective`), or any. The same data are not scanned twice. NotFound for an unknown
        indicator."""
        ...

    def learnt(self, indicator: str, place: str) -> Sequence[datetime]:
        """The instants at which anything of this series was learnt, each once, in order."""
        ...

    def cap(self, warning_id: str) -> bytes:
        """The published CAP 1.2 bytes; before publication, the bytes as they would be published.
        NotFound for an unknown warning."""
        ...

    def received(self, digest: str) -> bytes:
        """The bytes of a received message as they came, by their SHA-256. NotFound."""
        ...

    def act(self, user: User, act: str, subject: str, fields: Mapping[str, str]) -> tuple[str, ...]:
        """Do one act of `ACTS` to `subject` (a risk, warning, delivery, task, report, incident or
        lesson id; "" for `handover`) and journal it. Returns the ids it wrote. `findings` and `into`
        of the fields are ids (several separated by blanks), `expires` is an RFC 3339 instant, `level`
        a number, `code` a one-time code where `STEP_UP` asks for one. Raises NotAllowed (with the
        article), WrongState, NotFound, InvalidValue or StoreUnavailable; then nothing is written."""
        ...

    def rehearse(self, user: User, act: str, subject: str, fields: Mapping[str, str]) -> Warning:
        """The message that the act would draft or edit, and nothing done. Raises what `act` would raise."""
        ...

    def shown(self, warning: Warning) -> Sequence[Shown]:
        """What the public would see of the message if it were sent now, or was sent."""
        ...

    def unmet(self, warning: Warning) -> Sequence[Text]:
        """What a message that has not been sent lacks to keep the profiles of CAP that the settings ask for,
        each with where it is given; it cannot be approved before."""
        ...

    def versions(self, warning_id: str) -> Sequence[Entry]:
        """The journal's entries of one message, in order: every version of it, who made it and when."""
        ...

    def second_factor(self, user: User) -> tuple[str, int]:
        """(none, pending or active; recovery codes left): what the user has of one-time codes."""
        ...

    def enrol(self, user: User, password: str, code: str = "") -> tuple[str, str]:
        """(secret, otpauth URI) of a new authenticator for the user, who shows the password again, and a
        code of the old authenticator where one is in force. NotAllowed."""
        ...

    def confirm_enrolment(self, user: User, code: str) -> tuple[str, ...]:
        """The new authenticator shows that it works; the recovery codes, shown this once. NotAllowed."""
        ...

    def ingest(self, raw: bytes, content_type: str, source: str) -> IngestResult:
        """Take in pushed observations (application/json or
        application/vnd.apache.arrow.stream) under a source of the pack. What cannot be used is
        quarantined; NotFound for an unknown source, Hostile for a document built to do harm."""
        ...

    def story(self, delivery: str) -> Sequence[Entry]:
        """Every row of the journal about one delivery, in order. NotFound for an unknown one."""
        ...

    def receive(self, delivery: str, what: str, token: str, text: str = "") -> None:
        """What the far end says of a message, without an account: delivered, read, or answered (with
        `text`). `token` is what the message carried for it. The same said twice changes nothing. NotAllowed
        for a token that is not this delivery's, NotFound, WrongState."""
        ...

    def asked(self, token: str) -> Delivery:
        """The delivery that an answer link is for. NotFound for a link that is none of ours."""
        ...

    def replied(self, sender: str, text: str, stamp: str, signature: str, body: bytes) -> str:
        """A reply by SMS, as its gateway brings it: `sender`'s number and the words. The signature (over
        stamp and body, by the gateway's key) shows that it is the gateway. The id of the delivery that it
        answers; NotFound where it fits none, NotAllowed for a signature that is not the gateway's."""
        ...

    def quarantined(self) -> Sequence[Quarantined]:
        """What is held, newest first."""
        ...

    def explain(self, id: str) -> Mapping[str, Any]:
        """Plain JSON: how the value with that id came about, as known then. NotFound."""
        ...

    def sign_in(self, name: str, password: str) -> str:
        """A new session's token. NotAllowed when name and password do not fit (the same words for
        both) or the account is locked."""
        ...

    def user(self, token: str) -> User | None:
        """Whose session it is; None when it is unknown, ended or expired."""
        ...

    def sign_out(self, token: str) -> None:
        """End the session; nothing happens when there is none."""
        ...
