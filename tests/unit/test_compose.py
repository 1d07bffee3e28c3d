"""What a person may write, and what no pen reaches."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
import shapely

from anlan.acts import perform
from anlan.acts.wording import instant_of, read_drawing_text
from anlan.formats.values import from_json, to_json
from anlan.model.assessment import Assessment
from anlan.model.errors import InvalidValue, NotAllowed, NotFound, UnknownPlace, WrongState
from anlan.model.law import Power
from anlan.model.pack import GeometryLayer
from anlan.model.place import Place
from anlan.model.plan import Words
from anlan.model.text import Text
from anlan.model.warning import Warning
from anlan.turn import Turn
from anlan.warn.draft import gravest
from anlan.warn.issuer import issuing
from chain_pack import ADA, BEN, CAI, DAY, DEE, EVA, HOUR, LAW, T0, Room, both, quake, stage

NOW = T0 + 2 * DAY
NEW_OF_WARNING = ("authors", "version", "purpose", "rings", "proof")


def words(**changes: str) -> dict[str, str]:
    said = {f"{n}_{x}": f"{n} 字" for n in ("headline", "matters", "measures", "area") for x in ("en", "zh")}
    return {
        **said,
        "level": "2",
        "expires": (NOW + DAY).isoformat(),
        "places": "x/a",
        "reason": "rang",
        **changes,
    }


def composed(room: Room, **changes: str) -> Warning:
    room.act(NOW, ADA, "warning.compose", "", **words(hazard="flood", place="x/a", **changes))
    return room.only("draft")


def test_a_warning_from_scratch_opens_its_risk_with_the_writers_assessment(room: Room) -> None:
    draft = composed(room)
    (risk,) = room.state.assessments.values()
    assert (draft.risk, draft.authors, draft.author, draft.organ) == (risk.id, ("ada",), "ada", "office")
    assert draft.basis == f"{LAW}#5"
    assert (risk.level, risk.judged, risk.verdict, risk.findings, risk.by) == (2, 2, "confirmed", (), "ada")
    assert room.kinds() == ["assessment.opened", "assessment.judged", "warning.drafted"]


def test_its_whole_life_needs_no_finding(room: Room) -> None:
    draft = composed(room)
    room.act(NOW + HOUR, ADA, "warning.submit", draft.id)
    room.act(NOW + 2 * HOUR, BEN, "warning.approve", draft.id)
    assert room.state.warnings[draft.id].status == "approved"
    room.act(NOW + 3 * HOUR, ADA, "warning.all_clear", draft.id, reason="dry")
    (ending,) = room.pending()
    room.act(NOW + 4 * HOUR, ADA, "warning.submit", ending.id)
    room.act(NOW + 5 * HOUR, CAI, "warning.approve", ending.id)
    risk = draft.risk
    room.act(NOW + 6 * HOUR, ADA, "assessment.judge", risk, level="0", reason="dry")
    for incident in list(room.state.incidents.values()):
        room.act(NOW + 7 * DAY, BEN, "incident.stand_down", incident.id, reason="over")
    room.act(NOW + 8 * DAY, ADA, "assessment.finalise", risk, reason="over")
    (review,) = room.state.reviews.values()
    assert review.outcome == "unknown", "what no rule found is no false alarm of a rule"


def test_a_message_that_runs_out_while_the_level_stands_is_drafted_anew(room: Room) -> None:
    draft = composed(room)
    room.act(NOW + HOUR, ADA, "warning.submit", draft.id)
    room.act(NOW + 2 * HOUR, BEN, "warning.approve", draft.id)
    room.turn(draft.expires + HOUR)
    (anew,) = room.pending()
    assert (anew.author, anew.level, anew.places, anew.reasons[0].code) == ("system", 2, ("x/a",), "repeat")


def test_without_a_competent_issuer_there_is_no_draft_and_who_could_is_named(room: Room) -> None:
    with pytest.raises(NotAllowed, match="no competent issuer") as refusal:
        perform(
            Turn(room, NOW),
            DEE,
            "warning.compose",
            "",
            words(hazard="flood", place="x/a"),  # type: ignore[arg-type]
        )
    assert "office may" in str(refusal.value)
    assert room.state.warnings == {} and room.state.assessments == {}
    pack = replace(room.pack, powers=(Power("office", "warn", f"{LAW}#8", levels=(3, 4)),))
    found = issuing("office", "flood", 2, ("x/a", "x/b"), pack, NOW)
    assert (found.whole, found.powers) == (False, {})
    assert {refusal.basis for refusal in found.refusals} == {f"{LAW}#8"}


def test_an_edit_is_another_version_and_makes_its_writer_an_author(room: Room) -> None:
    draft = composed(room)
    room.act(NOW + HOUR, ADA, "warning.submit", draft.id)
    room.act(NOW + 2 * HOUR, CAI, "warning.edit", draft.id, headline_en="Clearer 字", reason="clearer")
    after = room.state.warnings[draft.id]
    assert (after.status, after.version, after.authors) == ("draft", 2, ("ada", "cai"))
    assert (after.headline.en, after.headline.zh) == ("Clearer 字", draft.headline.zh)
    room.act(NOW + 3 * HOUR, ADA, "warning.submit", draft.id)
    with pytest.raises(NotAllowed, match="two persons"):
        room.act(NOW + 4 * HOUR, CAI, "warning.approve", draft.id)
    room.act(NOW + 4 * HOUR, BEN, "warning.approve", draft.id)
    told = [e.value.headline.en for e in room.journal.by_subject(draft.id) if isinstance(e.value, Warning)]
    assert told[0] != told[-1], "every version stands in the journal"
    with pytest.raises(WrongState, match="cannot become draft"):
        room.act(NOW + 5 * HOUR, ADA, "warning.edit", draft.id, headline_en="Too late 字")


def test_whoever_drafts_what_follows_does_not_approve_it_under_anothers_name(room: Room) -> None:
    draft = composed(room)
    room.act(NOW + HOUR, ADA, "warning.submit", draft.id)
    room.act(NOW + 2 * HOUR, CAI, "warning.approve", draft.id)
    room.act(NOW + 3 * HOUR, BEN, "warning.raise", draft.id, level="1", reason="the dike")
    (raised,) = room.pending()
    room.act(NOW + 4 * HOUR, ADA, "warning.submit", raised.id)
    with pytest.raises(NotAllowed, match="two persons"):
        room.act(NOW + 5 * HOUR, BEN, "warning.approve", raised.id)


@pytest.mark.parametrize(
    ("act", "given", "says"),
    [
        ("warning.raise", {"level": "3"}, "more severe"),
        ("warning.lower", {"level": "1"}, "less severe"),
        ("warning.lower", {"level": "2"}, "changes the level"),
        ("warning.extend", {"expires": (NOW + 5 * HOUR).isoformat()}, "end later"),
        ("warning.extend", {"expires": (NOW + 90 * DAY).isoformat()}, "plausibly lasts"),
        ("warning.correct", {}, "what was wrong"),
        ("warning.correct", {"reason": "typo"}, "says the same"),
    ],
)
def test_a_button_does_what_it_says_or_nothing(
    room: Room, act: str, given: dict[str, str], says: str
) -> None:
    draft = composed(room)
    room.act(NOW + HOUR, ADA, "warning.submit", draft.id)
    room.act(NOW + 2 * HOUR, BEN, "warning.approve", draft.id)
    with pytest.raises((WrongState, InvalidValue), match=says):
        room.act(NOW + 3 * HOUR, ADA, act, draft.id, **given)
    assert room.pending() == []


def test_a_scripted_proof_sends_no_real_message_and_none_sends_nothing(room: Room) -> None:
    draft = composed(room)
    room.act(NOW + HOUR, ADA, "warning.submit", draft.id)
    for proof in ("scripted", ""):
        turn = Turn(room, NOW + 2 * HOUR, proof=proof)  # type: ignore[arg-type]
        with pytest.raises(NotAllowed, match="one-time code"):
            perform(turn, BEN, "warning.approve", draft.id, {})
    assert room.state.warnings[draft.id].status == "submitted"


def test_no_update_turns_an_exercise_into_a_real_message_or_back(room: Room) -> None:
    room.status = "Exercise"
    draft = composed(room)
    assert draft.mode == "Exercise"
    room.act(NOW + HOUR, ADA, "warning.submit", draft.id)
    room.act(NOW + 2 * HOUR, BEN, "warning.approve", draft.id)
    # a desk that went live meanwhile: what follows stays an exercise
    room.status = "Actual"
    room.act(NOW + 3 * HOUR, ADA, "warning.raise", draft.id, level="1", reason="drill", mode="Actual")
    (raised,) = room.pending()
    assert raised.mode == "Exercise"
    room.state.put(raised.id, replace(raised, mode="Actual", status="submitted"))
    with pytest.raises(WrongState, match="keeps its mode"):
        room.act(NOW + 4 * HOUR, BEN, "warning.approve", raised.id)


def test_the_system_gives_way_to_a_person_who_writes_but_for_a_higher_level(room: Room) -> None:
    item = stage(0, 5.0)
    room.turn(item.known, item)
    (draft,) = room.pending()
    now = item.known + HOUR
    room.act(now, ADA, "warning.edit", draft.id, headline_en="My words 字", reason="plainer")
    room.learn(stage(0, 5.2, "x/a", known=now + HOUR))
    assert [(w.id, w.headline.en) for w in room.pending()] == [(draft.id, "My words 字")]
    room.learn(stage(1, 6.5, "x/a", known=now + 2 * HOUR))
    (raised,) = room.pending()
    assert (raised.level, raised.author) == (1, "system")
    assert room.state.warnings[draft.id].status == "superseded"


def test_words_of_a_level_stand_in_for_the_templates(room: Room) -> None:
    red = Words(levels=(1,), measures=both("Run now."))
    plan = replace(room.pack.plans["flood-plan"], words=(red,))
    room.pack = replace(room.pack, plans={"flood-plan": plan})
    room.learn(stage(0, 6.5))
    (draft,) = room.pending()
    assert (draft.level, draft.contents.measures.en) == (1, "Run now.")
    assert plan.template_for("flood", 2) == plan.template


def test_a_persons_level_and_the_findings_stand_beside_each_other(room: Room) -> None:
    item = stage(0, 4.0)
    room.turn(item.known, item)
    (risk,) = room.state.assessments.values()
    now = item.known + HOUR
    room.act(now, ADA, "assessment.judge", risk.id, level="1", reason="the dam creaks")
    assert room.state.assessments[risk.id].level == 1
    room.act(now + HOUR, ADA, "assessment.judge", risk.id, level="0", reason="it does not")
    assert room.state.assessments[risk.id].level == 3, "taking it back lowers nothing that was found"
    with pytest.raises(WrongState, match="reason in words"):
        room.act(now + HOUR, ADA, "assessment.judge", risk.id, level="2")
    with pytest.raises(NotFound, match="no risk matrix"):
        room.act(now + HOUR, ADA, "assessment.judge", risk.id, severity="bad", certainty="likely", reason="x")


def test_a_risk_has_one_identity(room: Room) -> None:
    composed(room)
    with pytest.raises(WrongState, match="open already"):
        room.act(
            NOW + HOUR, ADA, "assessment.open", "", hazard="flood", place="x/a", level="1", reason="again"
        )
    with pytest.raises(NotFound, match="no such hazard"):
        room.act(NOW + HOUR, ADA, "assessment.open", "", hazard="plague", place="x/a", level="1", reason="x")


def test_rows_of_before_still_load(room: Room) -> None:
    draft = composed(room)
    plain = json.loads(to_json(draft))
    old = from_json(Warning, json.dumps({k: v for k, v in plain.items() if k not in NEW_OF_WARNING}))
    defaults = {f.name: f.default for f in fields(Warning)}
    assert [getattr(old, name) for name in NEW_OF_WARNING] == [defaults[name] for name in NEW_OF_WARNING]
    (risk,) = room.state.assessments.values()
    plain = json.loads(to_json(risk))
    before = from_json(
        Assessment, json.dumps({k: v for k, v in plain.items() if k not in ("judged", "cell")})
    )
    assert (before.judged, before.cell) == (None, "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("1,2 3,4 5,0", {"type": "Polygon", "coordinates": [[[2, 1], [4, 3], [0, 5], [2, 1]]]}),
        ("1,2; 3,4; 5,0; 1,2", {"type": "Polygon", "coordinates": [[[2, 1], [4, 3], [0, 5], [2, 1]]]}),
        ("circle 39.9,116.4 5", {"type": "Circle", "center": [116.4, 39.9], "radius_km": 5}),
        ("圆 39.9,116.4 5", {"type": "Circle", "center": [116.4, 39.9], "radius_km": 5}),
        ('{"type": "Point"}', {"type": "Point"}),
    ],
)
def test_a_drawing_is_read_as_it_is_typed(text: str, found: object) -> None:
    assert read_drawing_text(text) == found


@pytest.mark.parametrize(
    "text", ["1,2", "1,2 3,4", "circle", "circle 1,2", "a,b 1,2 3,4", "{", "[1]", "1 2 3"]
)
def test_what_is_no_drawing_is_said(text: str) -> None:
    with pytest.raises(InvalidValue) as error:
        read_drawing_text(text)
    assert error.value.where == "drawing"


def test_an_instant_of_a_form_is_utc() -> None:
    assert instant_of("2024-07-01T06:00", "expires") == instant_of("2024-07-01T06:00:00Z", "expires")
    assert instant_of("2024-07-01T06:00:30", "expires").second == 30
    assert Text("a", "b").in_("zh-CN") == "b"


def test_a_level_that_a_person_sets_is_put_in_words_of_the_gravest_that_is_found_now(room: Room) -> None:
    at = NOW - HOUR
    room.turn(NOW, quake(at, 7.4, NOW, "q1"), source="seismic")
    room.turn(NOW + HOUR, quake(at + HOUR, 6.2, NOW + HOUR, "q2"), source="seismic")
    (thread,) = room.state.assessments.values()
    assert [room.state.findings[id].level for id in thread.findings] == [2, 3]
    found = gravest(thread, room.state)
    assert found is not None and (found.value, found.level) == (7.4, 2)
    # once it has ended, the newest that had a level speaks
    later = NOW + 4 * DAY
    room.turn(later, quake(later - HOUR, 1.0, later, "q3"), source="seismic")
    (over,) = room.state.assessments.values()
    last = gravest(over, room.state)
    assert over.level is None and last is not None and last.value == 6.2


@pytest.mark.parametrize("more", [{}, {"drawing": "circle 50,10 5"}])
def test_a_place_that_is_written_wrong_is_told_as_that_and_no_lack_of_power(
    room: Room, more: dict[str, str]
) -> None:
    with pytest.raises(UnknownPlace, match="nowhere"):
        composed(room, **{"places": "x/a nowhere", **more})
    # what the role does not reach is refused before that
    with pytest.raises(NotAllowed, match="none of your grants"):
        room.act(NOW, EVA, "warning.compose", "", **{**words(), "hazard": "flood", "place": "x/b"})


def test_a_drawing_over_two_trees_of_places_asks_for_power_over_one_and_says_so(
    room: Room, tmp_path: Path
) -> None:
    def layer(level: str, prefix: str, **boxes: tuple[float, float, float, float]) -> GeometryLayer:
        features = [
            {
                "type": "Feature",
                "properties": {"code": id},
                "geometry": json.loads(shapely.to_geojson(shapely.box(*sides))),
            }
            for id, sides in boxes.items()
        ]
        path = tmp_path / f"{level}.json"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return GeometryLayer(str(path), level, "code", prefix, "CC0-1.0", "drawn for a test")

    provinces = layer("province", "x/", a=(9, 49, 10, 51), b=(10, 49, 11, 51))
    country = layer("country", "w/", x=(9, 49, 11, 51))
    land = Place("x", both("Land"), "nation")
    other = {"w": (Place("w", both("World"), "world"),), "w/x": (Place("w/x", both("Land"), "country", "w"),)}
    # the whole of a nation is known by its parts only where each has an outline
    places = {id: one for id, one in room.pack.places.items() if id != "x/old"}
    room.pack = replace(room.pack, places=places | {"x": (land,)} | other, geometry=(provinces, country))
    draft = composed(room, drawing="49.5,9.5 49.5,10.5 50.5,10.5 50.5,9.5", places="")
    assert draft.places == ("x/a", "x/b")
    assert [reason.code for reason in draft.reasons] == ["same_ground", "composed"]
    room.act(NOW + HOUR, ADA, "warning.edit", draft.id, headline_en="Clearer 字", reason="clearer")
    codes = [reason.code for reason in room.state.warnings[draft.id].reasons]
    assert codes == ["composed", "same_ground", "edited"]
    room.act(NOW + HOUR, ADA, "warning.edit", draft.id, drawing="", places="x/a", reason="one")
    assert [r.code for r in room.state.warnings[draft.id].reasons] == ["composed", "edited", "edited"]
