"""Messages leave signed where the workspace has a key: the journal's bytes stay computable without it, and
what was published never changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.acts import perform
from anlan.app.clock import WallClock
from anlan.app.desk import RunningDesk
from anlan.app.explain import recompute_warning
from anlan.app.house import RunningHouse
from anlan.app.signed import Signed, read_keys, without_signature
from anlan.app.workspace import init
from anlan.cli import service
from anlan.formats.cap import read
from anlan.formats.cap.signature import verify
from anlan.formats.cap.signing import KeyRing, load_key
from anlan.formats.cap.trust import Anchor, Trust
from anlan.formats.values import sha256
from anlan.model.errors import InvalidValue, NotFound, StoreUnavailable, Unreadable
from anlan.model.warning import Warning
from anlan.turn import Turn
from sample_pack import write
from served import pack, stage
from signers import signer

FIRST = signer("office-2026", until=datetime(2040, 1, 1, tzinfo=UTC))
SECOND = signer("office-2027", until=datetime(2040, 1, 1, tzinfo=UTC), kind="ec")
DROP = '\n[[channel]]\nid = "{id}"\nkind = "file"\noptions = {{ folder = "{id}" }}\n'
KEY = '\n[[signing]]\nid = "{id}"\nkey = "{id}.key"\ncertificate = "{id}.pem"\n'
SENDER = "office@tiny.invalid"


def home(tmp_path: Path, more: str = "") -> Path:
    write(tmp_path / "tiny", pack())
    site = tmp_path / "site"
    init(
        site,
        str(tmp_path / "tiny"),
        sender=SENDER,
        more=DROP.format(id="mail") + DROP.format(id="hook") + more,
    )
    for one in (FIRST, SECOND):
        (site / f"{one.name}.key").write_bytes(one.key_pem)
        (site / f"{one.name}.pem").write_bytes(one.pem)
    return site


def settings(site: Path, old: str, new: str) -> None:
    path = site / "anlan.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def published(desk: RunningDesk) -> Warning:
    """A value too high, its draft put forward by one and approved by another, who shows a code."""
    desk.ingest(json.dumps([stage(4.5)]).encode(), "application/json", "gauges")
    (draft,) = [w.id for w in desk.state().warnings.values() if w.status == "draft"]
    desk.act(desk.pack.users["ada"], "warning.submit", draft, {})
    turn = Turn(desk.house, desk.house.clock.now(), proof="code")
    perform(turn, desk.pack.users["ben"], "warning.approve", draft, {})
    turn.commit()
    return desk.house.state.warnings[draft]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return home(tmp_path, KEY.format(id=FIRST.name))


@pytest.fixture
def desk(site: Path) -> Iterator[RunningDesk]:
    made = RunningDesk(RunningHouse(site, WallClock()))
    yield made
    made.close()


def test_what_leaves_is_signed_and_the_journal_has_the_digest_of_the_unsigned_bytes(
    desk: RunningDesk, site: Path
) -> None:
    warning = published(desk)
    house = desk.house
    raw, signed = house.render(warning), house.published(warning)
    assert warning.digest == sha256(raw) and without_signature(signed) == raw != signed
    trust = Trust((Anchor(SENDER, FIRST.certificate),))
    verdict = verify(signed, SENDER, trust, at=house.clock.now())
    assert verdict.verdict == "authenticated" and verdict.signatures[0].key_name == "office-2026"
    assert read(signed).identifier == warning.id and read(signed) == read(raw)
    (delivery,) = [d for d in house.state.deliveries.values() if d.warning == warning.id][:1]
    assert house.parcel(delivery, warning, False).cap == signed
    assert (site / "signed" / f"{warning.digest}.cap.xml").read_bytes() == signed


def test_a_message_is_the_same_whatever_becomes_of_the_keys(desk: RunningDesk, site: Path) -> None:
    warning = published(desk)
    signed = desk.house.published(warning)
    desk.close()
    settings(site, "office-2026", "office-2027")
    (site / "office-2026.key").unlink()
    later = RunningHouse(site, WallClock(), reading=True)
    try:
        assert later.published(later.state.warnings[warning.id]) == signed
        check = recompute_warning(later, later.state.warnings[warning.id])
        assert check["same"] and check["signed"] == len(signed) - check["bytes"]
    finally:
        later.close()


def test_a_draft_is_never_signed(desk: RunningDesk, site: Path) -> None:
    desk.ingest(json.dumps([stage(4.5)]).encode(), "application/json", "gauges")
    (draft,) = [w.id for w in desk.state().warnings.values() if w.status == "draft"]
    assert b"Signature" not in desk.cap(draft)
    assert not (site / "signed").exists()


def test_without_a_key_in_use_a_warning_still_leaves_and_its_row_says_unsigned(tmp_path: Path) -> None:
    old = KEY.format(id=FIRST.name) + 'until = "2021-01-01T00:00:00Z"\n'
    made = RunningDesk(RunningHouse(home(tmp_path, old), WallClock()))
    try:
        warning = published(made)
        assert made.house.published(warning) == made.house.render(warning)
        (row,) = [e for e in made.house.journal.by_subject(warning.id) if e.kind == "warning.approved"]
        assert row.why is not None and "office-2026 2020-01-01/2021-01-01" in str(row.why)
    finally:
        made.close()


def test_a_message_that_breaks_a_chosen_profile_is_not_published_and_one_that_keeps_it_is(
    tmp_path: Path,
) -> None:
    for profile, fits in (("wmo", False), ("china", False), ("nws", True)):
        folder = tmp_path / profile
        folder.mkdir()
        site = home(folder)
        settings(site, "sender =", f'profiles = ["{profile}"]\nsender =')
        made = RunningDesk(RunningHouse(site, WallClock()))
        try:
            if fits:
                assert published(made).digest
            else:
                with pytest.raises(InvalidValue, match=f"CAP 1.2 and {profile}: .*identifier"):
                    published(made)
        finally:
            made.close()


def test_without_settings_nothing_is_signed_and_nothing_is_said(tmp_path: Path) -> None:
    made = RunningDesk(RunningHouse(home(tmp_path), WallClock()))
    try:
        warning = published(made)
        assert made.house.published(warning) == made.house.render(warning)
        (row,) = [e for e in made.house.journal.by_subject(warning.id) if e.kind == "warning.approved"]
        assert row.why is None
    finally:
        made.close()


def test_kept_bytes_that_were_changed_are_not_passed_on(tmp_path: Path) -> None:
    raw = (
        b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>i</identifier>'
        b"<sender>s</sender></alert>"
    )
    kept = Signed(tmp_path / "signed", KeyRing((SECOND.signing(),)))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert kept.seal(raw, at) is None
    first = kept.of(raw)
    assert kept.seal(raw, at + timedelta(days=1)) is None
    assert kept.of(raw) == first, "a key that draws numbers signs once"
    (file,) = (tmp_path / "signed").iterdir()
    file.write_bytes(first.replace(b"<identifier>i", b"<identifier>j"))
    with pytest.raises(StoreUnavailable, match="must not change"):
        kept.of(raw)


def test_doctor_tells_of_keys_before_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = KeyRing((load_key("k", FIRST.key_pem, FIRST.pem, until=datetime(2031, 1, 1, tzinfo=UTC)),))
    for days, told in ((60, ""), (20, "renew the certificate"), (-1, "messages leave unsigned")):

        class Then(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                return datetime(2031, 1, 1, tzinfo=UTC) - timedelta(days=days)  # noqa: B023

        monkeypatch.setattr(service, "datetime", Then)
        found: dict[str, object] = {}
        faults: list[str] = []
        service._signing(keys, found, faults)
        assert found["signing"] == ["k 2020-01-01 to 2031-01-01"]
        assert told in "".join(faults) and bool(faults) == bool(told)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (KEY.format(id="lost"), "cannot be read"),
        (KEY.format(id=FIRST.name) * 2, "two keys"),
        (KEY.format(id=FIRST.name) + 'password = { env = "NO_SUCH_NAME" }\n', "no such environment"),
        (KEY.format(id=FIRST.name) + 'password = { text = "x" }\n', "named, not written"),
        (KEY.format(id=FIRST.name) + 'since = "soon"\n', "soon"),
        (
            KEY.format(id=FIRST.name) + 'since = "2027-01-01T00:00:00Z"\nuntil = "2026-01-01T00:00:00Z"\n',
            "ends before",
        ),
        (KEY.format(id=FIRST.name).replace("2026.pem", "2027.pem"), "not that of the certificate"),
    ],
)
def test_wrong_settings_stop_the_start_and_name_the_key(tmp_path: Path, more: str, told: str) -> None:
    site = home(tmp_path, more)
    with pytest.raises((InvalidValue, NotFound, Unreadable), match=told):
        RunningHouse(site, WallClock())


def test_a_key_with_a_password_from_a_file(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as s

    from anlan.app.config import SigningConfig

    locked = FIRST.key.private_bytes(
        s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"open sesame")
    )
    (tmp_path / "k").write_bytes(locked)
    (tmp_path / "c").write_bytes(FIRST.pem)
    (tmp_path / "p").write_bytes(b"open sesame\n")
    (key,) = read_keys([SigningConfig("x", "k", "c", {"file": "p"})], tmp_path).keys
    assert key.id == "x" and key.repeatable
