"""A warning becomes a CAP message and words: the eight statutory contents, the same bytes every time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from lxml import etree

from anlan.formats import cap
from anlan.formats.lengths import measure, sms
from anlan.model.domain import Hazard, WarningLevel
from anlan.model.errors import InvalidValue
from anlan.model.imprint import Imprint
from anlan.model.law import Law
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.model.warning import Contents, Warning
from anlan.warn.render import TargetArea, render, to_cap
from anlan.warn.words import MARK_OF_BEFORE, headline, text, words

SENT = datetime(2024, 7, 12, 13, 31, 38, 250_000, tzinfo=UTC)
BEIJING = timezone(timedelta(hours=8))
SQUARE = ((116.0, 39.0), (116.5, 39.0), (116.5, 39.5), (116.0, 39.5), (116.0, 39.0))
BOW_TIE = ((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))
PAST_THE_POLE = ((0.0, 0.0), (0.0, 91.0), (1.0, 0.0), (0.0, 0.0))

PACK = Pack(
    id="demo",
    version="1",
    title=Text("Demo", "演示"),
    digest="d",
    folders=(),
    places={
        "cn/1": (Place("cn/1", Text("North District", "北区"), "county"),),
        "cn/2": (Place("cn/2", Text("South District", "南区"), "county"),),
    },
    hazards={"flood": Hazard("flood", Text("Flood", "洪水"), "natural", "water", "Met")},
    warning_levels=(WarningLevel(1, Text("Red", "红色"), "Extreme", "law#63"),),
)
ALERT = Warning(
    id="W-0123456789ab",
    risk="R-0123456789ab",
    change="alert",
    status="approved",
    mode="Actual",
    scope="Public",
    hazard="flood",
    level=1,
    places=("cn/1", "cn/2"),
    contents=Contents(
        category=Text("Natural disaster", "自然灾害"),
        starts=SENT + timedelta(hours=6),
        area=Text("North and South District", "北区、南区"),
        matters=Text("The river will rise 3 m <overnight> & more", "河水夜间将上涨三米"),
        measures=Text("Move to high ground", "向高处转移"),
        issuer=Text("County Government", "县人民政府"),
    ),
    headline=Text("Red flood warning", "洪水红色预警"),
    drafted=SENT - timedelta(minutes=20),
    expires=SENT + timedelta(hours=24),
    organ="county",
    basis="erl-2024#64",
    author="li",
    approver="wang",
    sent=SENT,
)
UPDATE = replace(ALERT, id="W-u", change="update", references=(ALERT.id,), sent=SENT + timedelta(hours=1))
CANCEL = replace(
    ALERT, id="W-c", change="cancel", references=(ALERT.id, "W-u"), sent=SENT + timedelta(hours=9)
)


def test_the_same_warning_gives_the_same_bytes_valid_by_the_schema(shared: Path) -> None:
    areas = (TargetArea("cn/2"), TargetArea("cn/1", (SQUARE,)))
    raw = render(ALERT, PACK, "warn.drill.invalid", areas, zone=BEIJING)
    assert raw == render(ALERT, PACK, "warn.drill.invalid", tuple(reversed(areas)), zone=BEIJING)
    assert [fault for fault in cap.check(raw) if fault.bars] == []
    schema = etree.XMLSchema(etree.parse(shared / "reference" / "cap" / "CAP-v1.2.xsd"))
    assert schema.validate(etree.fromstring(raw))


def test_all_eight_contents_of_article_64_stand_in_the_message_in_both_languages() -> None:
    message = to_cap(ALERT, PACK, "warn.drill.invalid", zone=BEIJING)
    chinese, english = message.infos
    assert (chinese.language, english.language) == ("zh-CN", "en-US")
    for info, parts in (
        (
            english,
            (
                "Natural disaster",
                "Red",
                "2024-07-13 03:31",
                "North and South District",
                "river will rise",
                "County Government",
                "2024-07-12 21:31",
            ),
        ),
        (
            chinese,
            ("自然灾害", "红色", "2024-07-13 03:31", "北区、南区", "河水", "县人民政府", "2024-07-12 21:31"),
        ),
    ):
        assert all(part in info.description for part in parts), info.description
    assert english.instruction == "Move to high ground"
    assert chinese.instruction == "向高处转移"
    assert {pair.name: pair.value for pair in english.parameters}["anlan:level"] == "1"
    assert (english.categories, english.severity, english.urgency, english.certainty) == (
        ("Met",),
        "Extreme",
        "Future",
        "Likely",
    )


def test_geocodes_name_every_place_and_polygons_are_latitude_first() -> None:
    message = to_cap(ALERT, PACK, "warn.drill.invalid", (TargetArea("cn/1", (SQUARE,)), TargetArea("cn/2")))
    for info in message.infos:
        assert [area.geocodes for area in info.areas] == [
            (cap.CapPair("anlan:place", "cn/1"),),
            (cap.CapPair("anlan:place", "cn/2"),),
        ]
        assert info.areas[0].polygons[0].startswith("39.00000,116.00000 39.00000,116.50000")
    assert [area.description for area in message.infos[0].areas] == ["北区", "南区"]


def test_update_and_cancel_refer_to_the_chain_as_it_was_published() -> None:
    first = cap.read(render(ALERT, PACK, "warn.drill.invalid", zone=BEIJING))
    update = to_cap(UPDATE, PACK, "warn.drill.invalid", earlier=[ALERT], zone=BEIJING)
    assert update.msg_type == "Update"
    assert update.references == (
        cap.CapReference(first.sender, first.identifier, "2024-07-12T21:31:38+08:00"),
    )
    cancel = to_cap(CANCEL, PACK, "warn.drill.invalid", earlier=[UPDATE, ALERT])
    assert [reference.identifier for reference in cancel.references] == [ALERT.id, "W-u"]
    assert (cancel.infos[0].urgency, cancel.infos[0].response_types) == ("Past", ("AllClear",))
    assert "Move to high ground" not in cancel.infos[1].instruction
    assert "In force until" in update.infos[1].description
    assert "In force until" not in cancel.infos[1].description, "nothing is in force until then"
    once = to_cap(CANCEL, PACK, "warn.drill.invalid", earlier=[UPDATE, ALERT], until=True)
    assert "In force until" in once.infos[1].description, "what was approved with it is rendered again so"
    assert update.incidents == cancel.incidents == (ALERT.risk,)


@pytest.mark.parametrize(
    ("mode", "marks"),
    [("Exercise", {"en": "EXERCISE", "zh": "演练"}), ("Test", {"en": "TEST", "zh": "测试"})],
)
def test_what_is_not_actual_is_watermarked_in_its_own_language_wherever_it_is_read(
    mode: str, marks: dict[str, str]
) -> None:
    drill = replace(ALERT, mode=mode)
    message = to_cap(drill, PACK, "warn.drill.invalid")
    assert (message.status, message.note) == (mode, f"{marks['en']} — {marks['zh']}")
    for info in message.infos:
        own, other = (marks[one] for one in (("zh", "en") if info.language == "zh-CN" else ("en", "zh")))
        assert info.headline.startswith(f"[{own}] ")
        assert info.description.count(f"*** {own} ***") == 2
        assert other not in info.headline + info.description
    for language in ("en", "zh"):
        subject, body = text(drill, PACK, language)
        assert subject.startswith(f"[{marks[language]}] ")
        assert body.count(marks[language]) == 3
        assert words(drill, PACK, (language,))[0] == subject
    assert words(drill, PACK, ("zh", "en"))[0].startswith(f"[{marks['zh']} — {marks['en']}] ")
    for language in ("en", "zh"):
        assert marks[language] not in "".join(text(ALERT, PACK, language))


def test_an_english_exercise_is_an_sms_of_the_small_alphabet() -> None:
    said = headline(replace(ALERT, mode="Exercise"), "en")
    assert (measure(said).alphabet, sms(said).parts) == ("gsm7", 1)


def test_a_mail_tells_the_hours_of_the_zone_that_the_message_is_published_in() -> None:
    assert "(UTC)" in text(ALERT, PACK, "en")[1]
    local = replace(ALERT, imprint=Imprint(zone="Asia/Shanghai"))
    assert "Issued at: 2024-07-12 21:31 (UTC+08:00)" in text(local, PACK, "en")[1]
    assert "发布时间：2024-07-12 21:31 (UTC+08:00)" in words(local, PACK, ("zh", "en"))[1]
    assert "2024-07-12 13:31 (UTC)" in text(local, PACK, "en", zone=UTC)[1]


def test_the_legal_basis_is_told_by_the_title_of_its_law() -> None:
    law = Law("erl", Text("Emergency Response Law", "突发事件应对法"), "statute", Validity())
    pack, based = replace(PACK, laws={"erl": law}), replace(ALERT, basis="erl#64; practice")
    assert "Legal basis: Emergency Response Law § 64; practice\n" in text(based, pack, "en")[1]
    assert "法律依据：突发事件应对法 § 64; practice\n" in text(based, pack, "zh")[1]


def test_what_was_approved_in_earlier_words_is_still_written_in_them() -> None:
    drill = replace(ALERT, mode="Exercise")
    message = to_cap(drill, PACK, "warn.drill.invalid", before=True)
    assert message.note == MARK_OF_BEFORE
    for info in message.infos:
        assert info.headline.startswith(f"[{MARK_OF_BEFORE}] ")
        assert info.description.count(f"*** {MARK_OF_BEFORE} ***") == 2
    chinese = message.infos[0].description
    assert "这不是真实预警,并无实际险情" in chinese and "级别:红色预警(1级)" in chinese
    chinese = to_cap(drill, PACK, "warn.drill.invalid").infos[0].description
    assert "这不是真实预警，并无实际险情" in chinese and "级别：红色预警（1级）" in chinese


def test_words_come_in_the_order_of_the_recipients_languages_and_mark_a_repeat() -> None:
    subject, body = words(ALERT, PACK, ("zh", "en"), repeat=True, zone=BEIJING)
    assert subject == "洪水红色预警"
    assert body.index("向高处转移") < body.index("Move to high ground")
    assert "重发" in body and "REPEATED" in body
    assert words(ALERT, PACK, ("en",))[0] == "Red flood warning"
    assert "REPEATED" not in words(ALERT, PACK, ("en",))[1]


@pytest.mark.parametrize(
    ("warning", "areas", "fault"),
    [
        (replace(ALERT, sent=None), (), "not been sent"),
        (replace(ALERT, expires=SENT), (), "over before it is sent"),
        (replace(ALERT, change="update"), (), "update of nothing"),
        (UPDATE, (), "was not given"),
        (ALERT, (TargetArea("cn/1"),), "not the places warned"),
        (ALERT, (TargetArea("cn/1"), TargetArea("cn/2"), TargetArea("cn/2")), "not the places warned"),
        (ALERT, (TargetArea("cn/1", (SQUARE[:3],)), TargetArea("cn/2")), "not a closed ring"),
        (ALERT, (TargetArea("cn/1", (BOW_TIE,)), TargetArea("cn/2")), "crosses itself"),
        (ALERT, (TargetArea("cn/1", (PAST_THE_POLE,)), TargetArea("cn/2")), "out of range"),
        (replace(ALERT, headline=Text("a\x00b", "x")), (), "well-formed"),
        (replace(ALERT, id="W 1"), (), "A-identifier-chars"),
    ],
)
def test_a_warning_that_does_not_hold_together_is_refused(
    warning: Warning, areas: tuple[TargetArea, ...], fault: str
) -> None:
    with pytest.raises(InvalidValue, match=fault):
        render(warning, PACK, "warn.drill.invalid", areas)
