"""What a source takes from others: spoofed, replayed, future-dated and absurd messages are held with their
reason, and each attack on the corpus's list ends as the list says."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anlan.formats.cap.signing import sign
from anlan.model.errors import Hostile, InvalidValue
from anlan.ports.source import Source
from anlan.sources import registry
from anlan.sources.cap.source import followed
from anlan.testing.drill_pack import drill_pack, drill_source
from signers import signer

NOW = datetime(2026, 11, 1, 1, tzinfo=UTC)
MET = signer("met.issuer.invalid")
OTHER = signer("other.invalid")


def message(
    id: str = "m1",
    *,
    sent: datetime = NOW - timedelta(minutes=5),
    hours: int | None = 6,
    sender: str = "met@x.invalid",
    kind: str = "Alert",
    status: str = "Actual",
    scope: str = "Public",
    severity: str = "Severe",
    follows: str = "",
    words: str = "heavy rain",
    polygon: str = "",
) -> bytes:
    def text(at: datetime) -> str:
        return at.strftime("%Y-%m-%dT%H:%M:%S-00:00")

    expires = f"<expires>{text(sent + timedelta(hours=hours))}</expires>" if hours is not None else ""
    reference = f"<references>{follows}</references>" if follows else ""
    shape = f"<polygon>{polygon}</polygon>" if polygon else ""
    return (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{id}</identifier><sender>{sender}</sender><sent>{text(sent)}</sent>"
        f"<status>{status}</status><msgType>{kind}</msgType><scope>{scope}</scope>"
        f"{'<addresses>a@x.invalid</addresses>' if scope == 'Private' else ''}{reference}"
        "<info><category>Met</category><event>Rain</event><urgency>Immediate</urgency>"
        f"<severity>{severity}</severity><certainty>Likely</certainty>{expires}"
        f"<description>{words}</description><area><areaDesc>District 1</areaDesc>{shape}"
        "<geocode><valueName>code</valueName><value>1</value></geocode></area></info></alert>"
    ).encode()


def source(**options: Any) -> Source:
    given = {"file": "feed.xml", "geocode_prefix": {"code": "xx/"}, **options}
    return registry.build(drill_source("cap", **given))


def codes(raw: bytes, built: Source | None = None, *, folder: str = "", at: datetime = NOW) -> list[str]:
    pack = drill_pack(folder) if folder else drill_pack()
    batch = (built or source()).parse(raw, "f", at, pack)
    assert batch.observations or batch.quarantined
    return [item.code for item in batch.quarantined]


def feed(*messages: bytes) -> bytes:
    return b"<alerts>" + b"".join(messages) + b"</alerts>"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (message(), ""),
        (message(sent=NOW + timedelta(minutes=10)), ""),
        (message(sent=NOW + timedelta(minutes=20)), "sent_in_future"),
        (message(sent=NOW.replace(year=2569)), "sent_in_future"),
        (message(hours=24 * 40), "span_absurd"),
        (message(sent=NOW - timedelta(days=40), hours=None), "replayed"),
        (message(scope="Private"), "not_public"),
        (message(words="exercise exercise exercise"), "words_contradict_status"),
        (message(polygon="-80,-170 -80,170 80,170 80,-170 -80,-170"), "area_too_large"),
        (message(polygon="30,110 30,111 31,111 31,110 30,110"), ""),
        (message(follows="else@x.invalid,m0,2026-10-31T00:00:00-00:00", kind="Update"), "foreign_reference"),
    ],
)
def test_an_implausible_message_is_held_with_its_reason(raw: bytes, code: str) -> None:
    assert codes(raw) == ([code] if code else [])


def test_the_bounds_are_the_sources_own() -> None:
    assert codes(message(hours=24 * 40), source(longest="P60D")) == []
    assert codes(message(sent=NOW + timedelta(hours=1)), source(ahead="PT2H")) == []
    assert codes(message(scope="Private"), source(scopes=["Private"])) == []
    assert codes(message(), source(senders=["met@x.invalid"])) == []
    assert codes(message(), source(senders=["other@x.invalid"])) == ["sender_not_expected"]
    with pytest.raises(InvalidValue, match="bound, required"):
        codes(message(), source(signature="perhaps"))


@pytest.fixture
def anchored(tmp_path: Path) -> str:
    (tmp_path / "met.pem").write_bytes(MET.pem)
    (tmp_path / "trust.toml").write_text(
        '[[anchor]]\nsender = "met@x.invalid"\ncertificate = "met.pem"\nfrom = 2026-01-01\n'
    )
    return str(tmp_path)


def test_who_has_an_anchor_must_sign_and_nobody_else_may_sign_for_them(anchored: str) -> None:
    trusting = source(trust="trust.toml")
    assert codes(sign(message(), MET.signing()), trusting, folder=anchored) == []
    assert codes(message(), trusting, folder=anchored) == ["sender_not_authenticated"]
    forged = sign(message(), OTHER.signing())
    assert codes(forged, trusting, folder=anchored) == ["sender_not_authenticated"]
    broken = sign(message(), MET.signing()).replace(b"Severe", b"Minor")
    assert codes(broken, trusting, folder=anchored) == ["signature_broken"]
    unknown = message(sender="other@x.invalid")
    assert codes(unknown, trusting, folder=anchored) == []
    assert codes(unknown, source(trust="trust.toml", signature="required"), folder=anchored) == [
        "sender_not_authenticated"
    ]
    assert codes(message(), source(trust="trust.toml", signature="shown"), folder=anchored) == []


def test_an_anchor_counts_from_its_date_in_recorded_history_too(anchored: str) -> None:
    for name, year in (("old.xml", 2025), ("new.xml", 2026)):
        sent = datetime(year, 6, 1, tzinfo=UTC)
        (Path(anchored) / name).write_bytes(sign(message(name, sent=sent), MET.signing()))
    built = registry.build(
        drill_source(
            "cap",
            recorded=["old.xml", "new.xml"],
            trust="trust.toml",
            geocode_prefix={"code": "xx/"},
        )
    )
    batches = list(built.history(drill_pack(anchored)))
    assert [item.event for batch in batches for item in batch.observations] == ["met@x.invalid,new.xml"]
    assert [item.code for batch in batches for item in batch.quarantined] == ["sender_not_authenticated"]


def at(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


def named(id: str, minutes: int) -> str:
    return f"met@x.invalid,{id},{at(minutes):%Y-%m-%dT%H:%M:%S}-00:00"


def test_a_message_with_the_name_of_another_is_held_and_the_first_stays(tmp_path: Path) -> None:
    built, pack = source(), drill_pack(str(tmp_path))
    (tmp_path / "feed.xml").write_bytes(message(severity="Extreme"))
    assert [item.value for item in built.fetch(NOW, pack).observations] == [4.0]
    (tmp_path / "feed.xml").write_bytes(message(severity="Minor"))
    second = built.fetch(NOW, pack)
    assert not second.observations and [item.code for item in second.quarantined] == ["identity_conflict"]


def test_an_exercise_never_becomes_the_real_thing_by_an_update() -> None:
    drill = message("d", sent=at(9), status="Exercise")
    real = message("r", sent=at(5), kind="Update", follows=named("d", 9))
    assert codes(feed(drill, real)) == ["not_a_warning", "status_changed"]


def test_an_old_update_handed_in_again_undoes_nothing(tmp_path: Path) -> None:
    built, pack = source(), drill_pack(str(tmp_path))
    first = message("a", sent=at(50))
    newest = message("c", sent=at(10), kind="Update", severity="Extreme", follows=named("a", 50))
    (tmp_path / "feed.xml").write_bytes(feed(first, newest))
    assert built.fetch(NOW, pack).observations
    stale = message("b", sent=at(30), kind="Update", severity="Minor", follows=named("a", 50))
    (tmp_path / "feed.xml").write_bytes(feed(first, newest, stale))
    batch = built.fetch(NOW, pack)
    assert not batch.observations and [item.code for item in batch.quarantined] == ["replayed"]


def test_a_message_that_has_run_out_when_it_comes_is_taken_in_as_over() -> None:
    batch = source().parse(message(sent=NOW - timedelta(days=400)), "f", NOW, drill_pack())
    assert [item.value for item in batch.observations] == [0.0] and not batch.quarantined


@pytest.mark.parametrize(
    "link",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:8420/v1/state",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://localhost/x",
        "http://db.internal/",
        "http://[half",
        "ftp://x.invalid/a",
        "relative.xml",
    ],
)
def test_a_feed_of_strangers_reaches_nothing_that_they_cannot(link: str) -> None:
    with pytest.raises(Hostile):
        followed(link, "https://met.example/feed.atom")


def test_links_to_the_web_and_to_the_feeds_own_host_are_followed() -> None:
    followed("https://other.example/a.xml", "https://met.example/feed.atom")
    followed("http://127.0.0.1:81/a.xml", "http://127.0.0.1:80/feed.atom")


#: when the attacks were in force
DURING = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)

#: what the source does with each attack: the codes it holds it with; none where it is taken
HELD: dict[int, list[str]] = {
    **{n: ["not_a_warning"] for n in (1, 11, 15, 18, 19, 20, 22, 35)},
    **{n: ["hostile"] for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 23, 24)},
    **{n: ["not_cap"] for n in (13, 14, 16, 21, 27, 28, 29, 30)},
    12: ["unreadable"],
    17: ["unreadable"],
    25: ["area_too_large"],
    26: ["area_too_large"],
    31: ["sent_in_future"],
    32: [],
    33: ["span_absurd"],
    34: ["foreign_reference"],
    36: ["not_a_warning"],
    37: ["not_a_warning"],
    38: ["identity_conflict"],
    39: ["status_changed"],
    40: ["not_public"],
    41: ["words_contradict_status"],
    # its signature proves no sender, and its text is that of a drill
    42: ["words_contradict_status"],
    43: ["signature_broken"],
    44: ["signature_broken"],
    45: ["signature_broken"],
}


def test_every_attack_of_the_corpus_ends_as_its_list_says(shared: Path, tmp_path: Path) -> None:
    folder = shared / "corpus" / "cap" / "hostile"
    with (folder / "hostile.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(HELD) == 45
    plain = (folder / "01-plain.xml").read_bytes()
    found: dict[int, list[str]] = {}
    for row in rows:
        number = int(row["file"][:2])
        built, pack = source(place="xx"), drill_pack(str(tmp_path))
        if number in (38, 39):  # what they conflict with is on file
            (tmp_path / "feed.xml").write_bytes(plain)
            built.fetch(DURING, pack)
        (tmp_path / "feed.xml").write_bytes((folder / row["file"]).read_bytes())
        batch = built.fetch(DURING, pack)
        found[number] = [item.code for item in batch.quarantined]
        assert bool(batch.observations) == (not found[number]), row["file"]
        if not row["expected"].startswith(("accept", "take in", "integrity")):
            assert batch.quarantined[0].raw, "what is held is kept whole"
    assert found == HELD
    # taken in as expired: nothing is in force by it
    (tmp_path / "feed.xml").write_bytes((folder / "32-old-replay.xml").read_bytes())
    over = source(place="xx").fetch(NOW, drill_pack(str(tmp_path)))
    assert [item.value for item in over.observations] == [0.0]
