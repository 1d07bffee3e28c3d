"""What channels leave behind: files whole and once, feeds of what is in force, signed bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from anlan.channels import registry
from anlan.channels.cap_feed import CapFeed
from anlan.channels.console import Terminal
from anlan.channels.copy_id import copy_id
from anlan.channels.file import Folder
from anlan.channels.guard import Guarded
from anlan.channels.smtp import compose
from anlan.channels.webhook import envelope
from anlan.channels.webhook.exchange import retry_after
from anlan.channels.webhook.signing import key, sign
from anlan.formats import cap
from anlan.model.errors import InvalidValue, NotFound
from anlan.ports.channel import Parcel, Receipt
from anlan.testing.check_channel import SENT, sample_parcel

SOURCES = Path(registry.__file__).parent


class SetClock:
    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant


def feed(folder: Path, at: datetime = SENT) -> CapFeed:
    return CapFeed(folder, "https://warn.drill.invalid/feed.atom", "Warnings", SetClock(at))


def listed(folder: Path) -> list[str]:
    entries = cap.read_index((folder / "feed.atom").read_bytes(), "https://warn.drill.invalid/feed.atom")
    return [entry.links[0].rpartition("/")[2] for entry in entries]


def test_the_feed_holds_the_published_bytes_and_lists_them_by_a_permanent_link(tmp_path: Path) -> None:
    parcel = sample_parcel("")
    channel = feed(tmp_path)
    assert channel.deliver(parcel).accepted
    path = tmp_path / "W-check-1.cap.xml"
    assert path.read_bytes() == parcel.cap
    stamp = path.stat().st_mtime_ns
    index = (tmp_path / "feed.atom").read_bytes()
    assert feed(tmp_path).deliver(replace(parcel, repeat=True)).accepted
    assert path.stat().st_mtime_ns == stamp
    assert (tmp_path / "feed.atom").read_bytes() == index
    assert listed(tmp_path) == ["W-check-1.cap.xml"]
    assert not list(tmp_path.glob("*.part"))


def test_expired_and_superseded_messages_leave_the_feed_and_their_files_stay(tmp_path: Path) -> None:
    channel = feed(tmp_path)
    channel.deliver(sample_parcel(""))
    second = sample_parcel("", number=2)
    update = replace(
        cap.read(second.cap),
        msg_type="Update",
        sent=SENT + timedelta(hours=1),
        references=(cap.CapReference("check.invalid", "W-check-1", "2030-01-02T03:04:05-00:00"),),
    )
    channel.deliver(replace(second, cap=cap.write(update)))
    assert listed(tmp_path) == ["W-check-2.cap.xml"]
    assert channel.refresh(SENT + timedelta(hours=6)) == ()
    assert listed(tmp_path) == []
    assert len(list(tmp_path.glob("*.cap.xml"))) == 2


def test_a_feed_that_is_only_looked_after_loses_what_is_over_and_is_not_written_for_nothing(
    tmp_path: Path,
) -> None:
    channel = Guarded(feed(tmp_path))
    channel.tidy(SENT)
    assert listed(tmp_path) == []
    channel.deliver(sample_parcel(""))
    before = (tmp_path / "feed.atom").stat().st_mtime_ns
    channel.tidy(SENT + timedelta(hours=5))
    assert (tmp_path / "feed.atom").stat().st_mtime_ns == before
    # as after a restart: the files are there, and nothing is known of them yet
    for later in (channel, Guarded(feed(tmp_path))):
        later.tidy(SENT + timedelta(hours=6))
        assert listed(tmp_path) == []


def test_a_feed_that_knows_its_address_has_whole_links(tmp_path: Path) -> None:
    made = CapFeed(tmp_path, "urn:f", "Warnings", SetClock(SENT), base_url="https://warn.drill.invalid/feed/")
    assert made.deliver(sample_parcel("")).accepted
    feed_bytes = (tmp_path / "feed.atom").read_bytes()
    assert (
        b'rel="self" type="application/atom+xml" href="https://warn.drill.invalid/feed/feed.atom"'
        in feed_bytes
    )
    assert b'href="https://warn.drill.invalid/feed/W-check-1.cap.xml"' in feed_bytes


def test_an_identity_once_published_is_frozen(tmp_path: Path) -> None:
    channel, parcel = feed(tmp_path), sample_parcel("")
    channel.deliver(parcel)
    other = cap.write(replace(cap.read(parcel.cap), note="changed"))
    receipt = channel.deliver(replace(parcel, cap=other))
    assert (receipt.accepted, receipt.transient) == (False, False)
    assert receipt.detail.startswith("identity_conflict")
    assert (tmp_path / "W-check-1.cap.xml").read_bytes() == parcel.cap


def test_a_file_in_the_feed_folder_that_is_no_message_is_named_and_not_listed(tmp_path: Path) -> None:
    (tmp_path / "odd.cap.xml").write_text("<html/>")
    receipt = feed(tmp_path).deliver(sample_parcel(""))
    assert receipt.accepted
    assert "odd.cap.xml" in receipt.detail
    assert listed(tmp_path) == ["W-check-1.cap.xml"]


def test_an_id_made_to_climb_out_of_the_folder_stays_in_it(tmp_path: Path) -> None:
    parcel = sample_parcel("")
    warning = replace(parcel.warning, id="../../escape")
    message = cap.write(replace(cap.read(parcel.cap), identifier=warning.id))
    parcel = replace(
        parcel, warning=warning, cap=message, delivery=replace(parcel.delivery, warning=warning.id)
    )
    folder = tmp_path / "feed"
    assert Guarded(feed(folder)).deliver(parcel).accepted
    assert [path.name for path in tmp_path.iterdir()] == ["feed"]
    assert len(list(folder.glob("x-*.cap.xml"))) == 1


def test_a_folder_that_cannot_be_written_allows_a_retry(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    for channel in (feed(blocked), Folder(blocked, public=True)):
        receipt = channel.deliver(sample_parcel(""))
        assert (receipt.accepted, receipt.transient) == (False, True)
        assert receipt.detail.startswith("not_written")


def test_the_broadcasters_folder_gets_words_and_message_and_no_second_copy(tmp_path: Path) -> None:
    channel, parcel = Folder(tmp_path, public=True), sample_parcel("")
    assert channel.deliver(parcel).accepted
    words = (tmp_path / "D-check-1.txt").read_bytes()
    assert "向高处转移" in words.decode()
    listed = json.loads((tmp_path / "D-check-1.json").read_bytes())
    assert listed["warning"] == "W-check-1"
    assert {file["name"]: file["sha256"] for file in listed["files"]} == {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("D-check-1.cap.xml", "D-check-1.txt")
    }
    assert channel.deliver(replace(parcel, body="again", repeat=True)).detail.startswith("already there")
    assert (tmp_path / "D-check-1.txt").read_bytes() == words
    assert (tmp_path / "D-check-1.cap.xml").read_bytes() == parcel.cap


def test_a_broadcaster_who_wants_speech_gets_whole_sentences_in_each_language(tmp_path: Path) -> None:
    parcel = sample_parcel("")
    assert Folder(tmp_path, public=True, speech=True).deliver(parcel).accepted
    assert (tmp_path / "D-check-1.zh.say.txt").read_text() == "洪水橙色预警。演示区。向高处转移。\n"
    said = (tmp_path / "D-check-1.en.say.txt").read_text()
    assert said == "Orange flood warning. Demo district. Move to high ground.\n"
    listed = json.loads((tmp_path / "D-check-1.json").read_bytes())
    assert len(listed["files"]) == 4


def test_a_drop_that_was_cut_off_half_way_is_completed(tmp_path: Path) -> None:
    channel, parcel = Folder(tmp_path, public=True), sample_parcel("")
    assert channel.deliver(parcel).accepted
    (tmp_path / "D-check-1.json").unlink()
    assert channel.deliver(replace(parcel, repeat=True)).accepted
    assert json.loads((tmp_path / "D-check-1.json").read_bytes())["repeat"] is True


def test_the_console_shows_control_characters_and_does_not_obey_them() -> None:
    screen = io.StringIO()
    assert Terminal(Console(file=screen, width=100)).deliver(sample_parcel("")).accepted
    assert "\\x1b[2J" in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()


def test_no_exercise_passes_a_public_channel_even_when_the_channel_would_let_it() -> None:
    class Careless:
        id = "careless"
        public = True

        def __init__(self) -> None:
            self.delivered: list[Parcel] = []

        def deliver(self, parcel: Parcel) -> Receipt:
            self.delivered.append(parcel)
            return Receipt(True, "out")

    channel = Careless()
    drill = sample_parcel("", mode="Exercise")
    assert Guarded(channel).deliver(drill) == Receipt(
        False, "exercise_barred: a message of status Exercise does not leave by a public channel"
    )
    disguised = replace(drill, warning=replace(drill.warning, mode="Actual"))
    assert Guarded(channel).deliver(disguised).detail.startswith("identity_mismatch")
    assert channel.delivered == []
    assert Guarded(channel).deliver(sample_parcel("")).accepted


def test_mail_has_the_same_bytes_each_time_and_marks_a_repeat() -> None:
    parcel = sample_parcel("desk@drill.invalid")
    mail = compose(parcel, "warn@drill.invalid")
    assert mail.as_bytes() == compose(parcel, "warn@drill.invalid").as_bytes()
    assert mail["Message-ID"] == "<D-check-1@drill.invalid>"
    assert mail["References"] == f"<{parcel.warning.risk}@drill.invalid>", "a mailbox keeps a chain together"
    assert mail["Subject"] == "洪水橙色预警 X-Forged: yes"
    assert mail["X-Forged"] is None
    assert mail["X-Anlan-Repeat"] is None
    again = compose(replace(parcel, repeat=True), "warn@drill.invalid")
    assert (again["X-Anlan-Repeat"], again["Message-ID"]) == ("yes", mail["Message-ID"])
    digest = replace(parcel, delivery=replace(parcel.delivery, digest="X-1", due=SENT + timedelta(days=1)))
    assert compose(digest, "warn@drill.invalid")["Date"].datetime == SENT + timedelta(days=1), "its own hour"
    attached = list(mail.iter_attachments())
    assert [(part.get_content_type(), part.get_filename()) for part in attached] == [
        ("application/cap+xml", "W-check-1.cap.xml")
    ]
    assert attached[0].get_payload(decode=True) == parcel.cap


def test_a_receiver_can_verify_what_a_webhook_sends() -> None:
    parcel = sample_parcel("https://partner.invalid/")
    body = envelope(parcel)
    assert json.loads(body)["cap"].encode() == parcel.cap
    # as the howto tells a receiver to: any of the entries, compared in constant time
    current, previous = b"n" * 32, b"o" * 32
    sent = sign([current, previous], "D-check-1", 1893553445, body)
    for known in (current, previous):
        digest = hmac.new(known, b"D-check-1.1893553445." + body, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(digest).decode()}"
        assert any(hmac.compare_digest(entry, expected) for entry in sent.split(" "))
    stranger = hmac.new(b"x" * 32, b"D-check-1.1893553445." + body, hashlib.sha256).digest()
    assert f"v1,{base64.b64encode(stranger).decode()}" not in sent.split(" ")


def test_a_copy_sent_again_on_purpose_is_no_repeat_that_a_peer_would_drop() -> None:
    parcel = sample_parcel("desk@drill.invalid")
    first = parcel.delivery
    tried = replace(first, status="failed", attempts=1)
    again = replace(first, status="due", attempts=2, before=2, again=True)
    assert copy_id(tried) == copy_id(first) != copy_id(again)
    mails = [compose(replace(parcel, delivery=one), "warn@drill.invalid") for one in (first, again)]
    assert mails[0]["Message-ID"] != mails[1]["Message-ID"]


def test_a_webhook_carries_what_an_answer_and_a_receipt_need() -> None:
    parcel = sample_parcel("https://partner.invalid/")
    body = json.loads(envelope(replace(parcel, answer_url="https://desk.invalid/answer/t1", token="t2")))
    assert (body["answer_url"], body["token"]) == ("https://desk.invalid/answer/t1", "t2")
    bare = json.loads(envelope(replace(parcel, answer_url="", token="")))
    assert (bare["answer_url"], bare["token"]) == (None, None)


def test_a_signature_is_that_of_the_standard_webhooks_specification() -> None:
    # the example that the specification's libraries are tested with
    secret = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "here")
    signed = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_key_that_is_too_short_or_no_base64_is_refused_without_being_shown() -> None:
    for secret in ("short and secret", "whsec_%%%", "whsec_c2hvcnQ="):
        with pytest.raises(InvalidValue) as caught:
            key(secret, "channel webhook option key")
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (" 7 ", 7),
        ("9" * 30, 86_400),
        ("Tue, 01 Jan 2030 00:02:00 GMT", 120),
        ("Mon, 31 Dec 2029 23:00:00 GMT", 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("١٢٠", None),
    ],
)
def test_what_a_peer_says_of_when_to_come_again_is_read_or_let_be(value: str, seconds: int | None) -> None:
    wait = retry_after(value, datetime(2030, 1, 1, tzinfo=UTC))
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_options_are_checked_and_every_fault_names_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SetClock(datetime(2030, 1, 1, tzinfo=UTC))
    with pytest.raises(NotFound, match="cap_feed, smtp, webhook, bulk, wis2, siren, gateway, file, console"):
        registry.build("fax", {}, clock)
    for id, options, fault in (
        ("file", {}, "option folder: this option is required"),
        ("file", {"folder": "x", "colour": "red"}, "no such option; found colour"),
        ("file", {"folder": "x", "public": "no"}, "option public: wrong kind"),
        ("smtp", {"host": "h", "sender": "a@b.invalid", "port": True}, "option port: wrong kind"),
        ("smtp", {"host": "h", "sender": "a@b.invalid", "security": "maybe"}, "no such choice"),
        ("webhook", {"key": "in plain sight"}, "a secret is named, not written"),
        ("webhook", {"key": {"env": "ANLAN_NO_SUCH"}}, "the secret is empty"),
        ("webhook", {"key": {"file": "/no/such/file"}}, "cannot be read"),
        ("gateway", {"urls": "in plain sight"}, "not a table of secrets"),
        ("gateway", {"urls": {"a": "in plain sight"}}, "urls.a.*a secret is named, not written"),
        ("gateway", {"urls": {"a": {"env": "ANLAN_NO_SUCH"}}}, "the secret is empty"),
    ):
        with pytest.raises(InvalidValue, match=fault) as caught:
            registry.build(id, options, clock)
        assert "plain sight" not in str(caught.value)


def test_every_channel_has_a_manifest_in_both_languages_and_quality_with_tests_that_exist(root: Path) -> None:
    manifests = registry.manifests()
    assert set(manifests) >= set(registry.BUILT_IN)
    for id in registry.BUILT_IN:
        assert manifests[id].id == id
        assert manifests[id].limits
        quality = tomllib.loads((SOURCES / id / "quality.toml").read_text(encoding="utf-8"))
        for promise in quality["promise"]:
            assert promise["text"]
            assert not promise["kept"] or (root / promise["test"]).is_file(), (id, promise["id"])


def test_a_plug_in_may_not_take_the_name_of_a_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    def points(group: str) -> Any:
        return EntryPoints([EntryPoint("smtp", "json", group)])

    monkeypatch.setattr(registry, "entry_points", points)
    with pytest.raises(InvalidValue, match="two channels of one name"):
        registry.modules()

    monkeypatch.setattr(
        registry,
        "entry_points",
        lambda group: EntryPoints([EntryPoint("pager", "anlan.channels.file", group)]),
    )
    assert isinstance(registry.modules()["pager"], ModuleType)
