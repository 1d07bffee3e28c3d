"""Any sequence of acts of any persons: what was sent stays what it was, and nobody publishes alone."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import shapely
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from anlan import flow
from anlan.acts import perform
from anlan.acts.wording import FIELDS, read_drawing_text
from anlan.formats.cap import examine
from anlan.model.errors import AnlanError, InvalidValue
from anlan.model.pack import GeometryLayer, Pack
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Warning
from anlan.packs.resolve import competent
from anlan.turn import Turn
from anlan.warn.approve import TRANSITIONS
from anlan.warn.area import area
from anlan.warn.compose import longest
from chain_pack import ADA, BEN, CAI, DAY, DEE, EVA, HOUR, T0, Room, chain_pack, stage

PEOPLE = {user.name: user for user in (ADA, BEN, CAI, DEE, EVA)}
START = T0 + 2 * DAY
#: what may still change of a message that was sent: that its force ends, and why
ENDS = ("status", "reasons")
ACTS = (
    "warning.edit",
    "warning.submit",
    "warning.approve",
    "warning.return",
    "warning.reject",
    "warning.update",
    "warning.raise",
    "warning.lower",
    "warning.extend",
    "warning.correct",
    "warning.cancel",
    "warning.all_clear",
)
SQUARES = {"x/a": (0, 0, 10, 10), "x/b": (10, 0, 20, 10)}


def drawn_pack(folder: Path) -> Pack:
    """The small country with outlines: two squares of ten degrees."""
    features = [
        {
            "type": "Feature",
            "properties": {"code": id.removeprefix("x/")},
            "geometry": shapely.geometry.mapping(shapely.box(*box)),
        }
        for id, box in SQUARES.items()
    ]
    path = folder / "squares.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    layer = GeometryLayer(str(path), "province", "code", "x/", "CC0-1.0", "made up")
    pack = chain_pack()
    plans = {
        id: replace(plan, template=replace(plan.template, correct=Text("CORRECTION: {area}", "更正:{area}")))
        for id, plan in pack.plans.items()
    }
    return replace(pack, geometry=(layer,), plans=plans)


FOLDER = Path(tempfile.mkdtemp(prefix="anlan-acts-"))
ROOM = Room(FOLDER, drawn_pack(FOLDER))
FIRST = stage(0, 5.0)
ROOM.turn(FIRST.known, FIRST)
BEGIN: State = ROOM.state.still()

words = st.sampled_from(
    ["", "The river rises.", "Move up now.", "河水上涨。", "{area}", "<b>&\"'</b>", "🌊" * 3]
)
instants = st.integers(-30, 400).map(lambda hours: (START + hours * HOUR).isoformat())
drawings = st.sampled_from(
    [
        "",
        "1,1 3,1 2,3",
        "circle 5,5 40",
        "5,9 5,11 6,10",
        "1,1 3,3 1,3 3,1",
        "50,50 51,50 51,51",
        "nonsense",
        "9,9 9",
    ]
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "level": st.sampled_from(["1", "2", "3", "4", "0", "x", ""]),
        "starts": instants,
        "expires": instants,
        "places": st.sampled_from(["x/a", "x/a/1", "x/b", "x/a x/b", "x", "y", ""]),
        "drawing": drawings,
        "reason": st.sampled_from(["because", ""]),
        "mode": st.sampled_from(["Actual", "Exercise", "Test"]),
        **{name: words for name in FIELDS if name.endswith(("_en", "_zh"))},
    },
)
people = st.sampled_from(sorted(PEOPLE))
likely = st.sampled_from(["ada", "ben", "cai", "ben", "cai", "ada", "dee", "eva"])


#: (edits, submits, approves); the first ones work, so that the simplest runs send something
trios = st.sampled_from(
    [
        ("ben", "ada", "cai"),
        ("ada", "ada", "ben"),
        ("ada", "ben", "cai"),
        ("cai", "ada", "cai"),
        ("ben", "ada", "ben"),
        ("ada", "ben", "ben"),
        ("dee", "dee", "ben"),
        ("ada", "ada", "dee"),
        ("eva", "ada", "eva"),
        ("ada", "ada", "ada"),
    ]
)
KINDS = (
    "publish",
    "publish",
    "publish",
    "follow",
    "follow",
    "compose",
    "anything",
    "anything",
    "judge",
    "wait",
)


class Acts:
    """The acts of five persons of two organs on one flood, in any order, with any fields."""

    def __init__(self) -> None:
        ROOM.state = BEGIN.still()
        self.now = START
        self.sent: dict[str, Warning] = {}
        self.raw: dict[str, bytes] = {}
        self.submitted_by: dict[str, str] = {}

    def _try(self, act: str, name: str, subject: str, given: dict[str, str], proof: str) -> None:
        before = dict(ROOM.state.warnings)
        turn = Turn(ROOM, self.now, proof=proof)  # type: ignore[arg-type]
        try:
            perform(turn, PEOPLE[name], act, subject, given)
        except AnlanError:
            assert dict(ROOM.state.warnings) == before, "an act that is refused changes nothing"
            return
        flow.warn(turn)
        for draft in turn.drafts:
            if draft.kind == "warning.submitted":
                self.submitted_by[draft.subject] = draft.actor
            if draft.kind == "warning.approved":
                self._published(ROOM.state.warnings[draft.subject], draft.actor, proof)
        for id, after in ROOM.state.warnings.items():
            was = before.get(id)
            if was is not None and was.status != after.status:
                # an approval and its end, or a submission and its end, may fall into one turn
                assert after.status in TRANSITIONS[was.status] or any(
                    after.status in TRANSITIONS[step] for step in TRANSITIONS[was.status]
                )
        self.now += flow.INSTANT

    def _published(self, warning: Warning, approver: str, proof: str) -> None:
        """The moment at which a message leaves: two competent persons, one of them with a proof."""
        assert warning.id not in self.sent
        first, second = PEOPLE[self.submitted_by[warning.id]], PEOPLE[approver]
        assert (warning.author, warning.approver) == (first.name, second.name)
        assert first.name != second.name
        assert second.name not in warning.authors
        assert proof == warning.proof == "code"
        for person in (first, second):
            assert person.organ == warning.organ
            for place in warning.places:
                competent(
                    ROOM.pack,
                    "warn",
                    person.organ,
                    warning.hazard,
                    warning.level,
                    place,
                    self.now,
                    warning.scope,
                )
        plan = ROOM.pack.plans[warning.plan]
        assert warning.expires - max(warning.contents.starts, warning.drafted) <= longest(
            "flood", plan, ROOM.pack
        )
        raw = ROOM.render(warning)
        found = examine(raw)
        assert found.valid
        assert [f.rule for f in found.findings if f.severity == "error"] == []
        self.sent[warning.id], self.raw[warning.id] = warning, raw

    def step(self, kind: str, draw: Any) -> None:
        """One thing that somebody does, or tries; then everything is looked at."""
        getattr(self, f"_{kind}")(draw)
        self.what_was_sent_stays_what_it_was()
        self.a_chain_keeps_its_mode_and_names_what_it_follows()
        self.at_most_one_message_of_a_risk_is_in_force()

    def _anything(self, draw: Any) -> None:
        ids = sorted(ROOM.state.warnings)
        self._try(draw(st.sampled_from(ACTS)), draw(people), draw(st.sampled_from(ids)), draw(fields), "code")

    def _compose(self, draw: Any) -> None:
        risks, place = sorted(ROOM.state.assessments), draw(st.sampled_from(["x/a", "x/b", "x/old"]))
        new, odd = draw(st.booleans()), draw(st.booleans())
        about = {"hazard": "flood", "place": place} if new else {}
        given = {**self._good("composed"), "level": "2", "places": place, **about}
        if odd:
            given |= draw(fields)
        self._try("warning.compose", draw(likely), "" if new else draw(st.sampled_from(risks)), given, "code")

    def _publish(self, draw: Any) -> None:
        """What is meant to work, by whoever tries it: edited by one, put forward by another, approved by a
        third, any of whom may be the same."""
        first, second, third = draw(trios)
        edits = draw(st.booleans())
        for id in sorted(id for id, w in ROOM.state.warnings.items() if w.status in ("draft", "returned")):
            if edits and ROOM.state.warnings[id].change != "cancel":
                self._try("warning.edit", first, id, self._good("edited"), "code")
            self._try("warning.submit", second, id, {}, "code")
            self._try("warning.approve", third, id, {}, draw(st.sampled_from(["code", "code", "code", ""])))

    def _follow(self, draw: Any) -> None:
        """What follows a message in force, or an attempt to write into one."""
        act, level, name = draw(st.sampled_from(ACTS[5:])), draw(st.sampled_from("1234")), draw(likely)
        for id in sorted(id for id, w in ROOM.state.warnings.items() if w.status == "approved"):
            later = (ROOM.state.warnings[id].expires + draw(st.integers(1, 90)) * HOUR).isoformat()
            given = (
                self._good("corrected") if act == "warning.correct" else {"expires": later, "reason": "so"}
            )
            self._try("warning.edit", name, id, self._good("written over"), "code")
            self._try(act, name, id, {**given, "level": level}, "code")

    def _judge(self, draw: Any) -> None:
        risk, level = sorted(ROOM.state.assessments)[0], draw(st.sampled_from(["0", "1", "2", "3", ""]))
        self._try("assessment.judge", draw(likely), risk, {"level": level, "reason": "seen"}, "code")

    def _wait(self, draw: Any) -> None:
        self.now += timedelta(hours=draw(st.sampled_from([1, 3, 8, 30])))
        flow.warn(Turn(ROOM, self.now))  # type: ignore[arg-type]

    def _good(self, text: str) -> dict[str, str]:
        """Words that nothing is wrong with, new each time."""
        said = f"{text} {self.now.isoformat()} 字"
        texts = {name: said for name in FIELDS if name.endswith(("_en", "_zh"))}
        return {**texts, "expires": (self.now + DAY).isoformat(), "reason": "because"}

    def what_was_sent_stays_what_it_was(self) -> None:
        for id, sent in self.sent.items():
            now = ROOM.state.warnings[id]
            kept: dict[str, Any] = {name: getattr(sent, name) for name in ENDS}
            assert replace(now, **kept) == sent
            assert ROOM.digest(self.raw[id]) == now.digest

    def a_chain_keeps_its_mode_and_names_what_it_follows(self) -> None:
        for warning in ROOM.state.warnings.values():
            assert warning.mode == "Actual"
            assert (warning.change == "alert") == (warning.references == ())
            assert all(id in self.sent for id in warning.references)

    def at_most_one_message_of_a_risk_is_in_force(self) -> None:
        standing = [
            w.risk for w in ROOM.state.warnings.values() if w.status == "approved" and w.change != "cancel"
        ]
        assert len(standing) == len(set(standing))


@given(kinds=st.lists(st.sampled_from(KINDS), min_size=15, max_size=20), data=st.data())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_no_sequence_of_acts_publishes_without_two_competent_persons_or_changes_what_was_sent(
    kinds: list[str], data: st.DataObject
) -> None:
    acts = Acts()
    for kind in kinds:
        acts.step(kind, data.draw)
    event(f"messages sent: {min(len(acts.sent), 4)}")
    event(f"with a person's words: {any(w.authors for w in acts.sent.values())}")


coordinate = st.floats(0.5, 9.5).map(lambda number: round(number, 5))


@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=12, unique=True))
@settings(max_examples=25, deadline=None)
def test_the_area_that_is_sent_covers_the_ground_that_was_drawn(points: list[tuple[float, float]]) -> None:
    hull = shapely.MultiPoint([(lon, lat) for lat, lon in points]).convex_hull
    if hull.geom_type != "Polygon":
        return
    text = " ".join(f"{lat},{lon}" for lon, lat in hull.exterior.coords)
    turn = Turn(ROOM, START)  # type: ignore[arg-type]
    ROOM.state = BEGIN.still()
    given = {
        "level": "2",
        "expires": (START + DAY).isoformat(),
        "drawing": text,
        **{name: "Words. 字" for name in FIELDS if name.endswith(("_en", "_zh"))},
    }
    risk = sorted(ROOM.state.assessments)[0]
    waiting = [w.id for w in ROOM.state.warnings.values()]
    perform(turn, BEN, "warning.edit", waiting[0], {**given, "reason": "drawn"})
    warning = ROOM.state.warnings[waiting[0]]
    assert warning.risk == risk
    sent = shapely.union_all([shapely.Polygon(ring) for ring in warning.rings])
    drawing = read_drawing_text(text)
    assert drawing is not None
    try:
        chosen = area(ROOM.pack, START, drawing=drawing).shape
    except InvalidValue:
        return
    assert shapely.covers(sent, chosen)
    assert warning.places == ("x/a",)
