"""`explain`: the same bytes whatever became of the pack, the data that led to it, and nothing written."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.app.board import SHOWN
from anlan.app.clock import WallClock
from anlan.app.desk import RunningDesk
from anlan.app.explain import NEWEST, explain
from anlan.app.house import RunningHouse
from anlan.app.workspace import init
from anlan.cli.main import main
from anlan.formats.values import from_json, to_json, to_plain
from anlan.model.errors import NotFound
from anlan.model.state import fold
from anlan.model.warning import Warning
from anlan.warn.in_force import board
from sample_pack import write
from served import RECIPIENT, approval_codes, pack, quick_workspace, stage

DROPS = "".join(
    f'\n[[channel]]\nid = "{id}"\nkind = "file"\noptions = {{ folder = "{id}" }}\n' for id in ("mail", "hook")
)
JSON = "application/json"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path / "tiny", pack())
    init(tmp_path / "site", str(tmp_path / "tiny"), sender="office@tiny.invalid", more=DROPS)
    return tmp_path / "site"


@pytest.fixture
def desk(home: Path) -> Iterator[RunningDesk]:
    made = RunningDesk(RunningHouse(home, WallClock()))
    yield made
    made.close()


def publish(desk: RunningDesk, value: float = 4.5) -> Warning:
    """A value too high, its draft put forward by one and approved by another."""
    desk.ingest(json.dumps([stage(value)]).encode(), JSON, "gauges")
    (draft,) = [w.id for w in desk.state().warnings.values() if w.status == "draft"]
    desk.act(desk.pack.users["ada"], "warning.submit", draft, {})
    desk.act(
        desk.pack.users["ben"], "warning.approve", draft, {"code": approval_codes(desk.accounts, "ben")[0]}
    )
    return desk.state().warnings[draft]


def change(home: Path, file: str, old: str, new: str) -> None:
    """Something else in the pack of the workspace."""
    path = home.parent / "tiny" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def seal(home: Path, capsys: pytest.CaptureFixture[str], name: str = "sealing.key") -> None:
    """A key for the secrets of authenticators, made and named by the commands."""
    assert main(["account", "sealing-key", str(home.parent / name)]) == 0
    settings = home / "anlan.toml"
    kept = [line for line in settings.read_text().splitlines() if not line.startswith("second_factor_keys")]
    settings.write_text("\n".join([capsys.readouterr().out.strip(), *kept]) + "\n")
    assert main(["account", "reseal", "--workspace", str(home)]) in (0, 1)


def reading(home: Path) -> RunningHouse:
    return RunningHouse(home, WallClock(), reading=True)


def content(folder: Path) -> dict[str, str]:
    """Every file and folder below `folder` with the digest of its content; not SQLite's own passing files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
        if not path.name.endswith(("-wal", "-shm"))
    }


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("places/provinces.json", '"translate": [100.0, 30.0]', '"translate": [100.001, 30.0]'),
        ("places/all.csv", "Greater Alpha", "Alpha the Great"),
        ("categories.toml", 'title = { en = "flood"', 'title = { en = "high flood"'),
        ("levels.toml", "Orange", "Amber"),
    ],
)
def test_a_warning_comes_out_the_same_after_the_pack_has_changed(
    home: Path, desk: RunningDesk, file: str, old: str, new: str
) -> None:
    warning = publish(desk)
    sent = desk.cap(warning.id)
    change(home, file, old, new)
    house = reading(home)
    try:
        assert house.pack.digest != warning.pack
        found = explain(house, warning.id)
        assert house.render(warning) == sent
    finally:
        house.close()
    assert found["same"], found["recomputed"]


def test_a_warning_comes_out_the_same_under_another_sender(home: Path, desk: RunningDesk) -> None:
    first, second = publish(desk), publish(desk, 3.5)
    assert second.references == (first.id,)
    settings = home / "anlan.toml"
    settings.write_text(settings.read_text().replace("office@tiny.invalid", "bureau@tiny.invalid", 1))
    house = reading(home)
    try:
        assert explain(house, second.id)["same"]
        assert b"bureau" not in house.render(second)
    finally:
        house.close()


def test_the_articles_cited_are_those_of_then(home: Path, desk: RunningDesk) -> None:
    warning = publish(desk)
    house = reading(home)
    then = explain(house, warning.id)["basis"]
    house.close()
    assert then[0]["gist_en"]
    for path in (home.parent / "tiny").rglob("*.toml"):
        text = path.read_text("utf-8")
        path.write_text(text.replace(then[0]["gist_en"], "another gist"), "utf-8")
    house = reading(home)
    try:
        assert house.pack.digest != warning.pack
        assert explain(house, warning.id)["basis"] == then
    finally:
        house.close()


def test_a_lost_copy_of_the_pack_is_said(home: Path, desk: RunningDesk) -> None:
    warning = publish(desk)
    change(home, "levels.toml", "Orange", "Amber")
    shutil.rmtree(home / "packs" / warning.pack[:16])
    house = reading(home)
    try:
        found = explain(house, warning.id)
    finally:
        house.close()
    assert not found["same"]
    assert all("nor kept" in check["why"] for check in found["recomputed"])


def test_a_warning_of_a_journal_without_its_pack_is_still_read(desk: RunningDesk) -> None:
    old = to_plain(publish(desk))
    del old["pack"], old["sender"]
    read = from_json(Warning, json.dumps(old))
    assert (read.pack, read.sender) == ("", "")
    assert from_json(Warning, to_json(read)) == read
    # today's pack is the best that is known
    assert desk.house.digest(desk.house.render(read)) == read.digest


def test_what_led_to_a_warning_is_shown_and_nothing_later(desk: RunningDesk) -> None:
    warning = publish(desk)
    (cause,) = desk.state().assessments[warning.risk].findings
    for n in range(NEWEST + 3):
        # over the limit and under it again: each a finding of the same risk
        value = 2.0 if n % 2 == 0 else 4.5
        desk.ingest(json.dumps([stage(value)]).encode(), JSON, "gauges")
    assert len(desk.state().assessments[warning.risk].findings) > NEWEST
    found = desk.explain(warning.id)
    assert list(found["observations"]) == [cause]
    assert [row["value"] for row in found["observations"][cause]] == [4.5]
    assert list(found["grounds"]) == [cause] and found["grounds"][cause][-1]["en"].startswith("This rule")
    task = next(iter(desk.state().tasks))
    assert list(desk.explain(task)["observations"]) == [cause]


def test_reading_commands_leave_the_workspace_as_it_is(
    home: Path, desk: RunningDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    warning = publish(desk)
    desk.ingest(b"no json", JSON, "gauges")
    (held,) = desk.quarantined()
    desk.close()
    seal(home, capsys)
    change(home, "levels.toml", "Orange", "Amber")
    before = content(home)
    where = ("--workspace", str(home))
    for words in (
        ("explain", warning.id, *where),
        ("audit", "verify", str(home)),
        ("audit", "log", str(home)),
        ("quarantine", "list", *where),
        ("quarantine", "show", held.id, *where),
        ("doctor", str(home)),
    ):
        assert main(list(words)) == 0, (words, capsys.readouterr())
        assert content(home) == before, words


def test_reading_commands_make_nothing_in_a_new_workspace(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(home)
    assert main(["quarantine", "list", "--workspace", str(home)]) == 0
    assert main(["explain", "W-1", "--workspace", str(home)]) == 2
    assert main(["audit", "verify", str(home)]) == 2
    assert "journal" in capsys.readouterr().err
    assert content(home) == before


def test_an_id_that_nobody_gave_is_named(desk: RunningDesk) -> None:
    publish(desk)
    with pytest.raises(NotFound, match="W-nobody"):
        desk.explain("W-nobody")


def test_the_copy_is_there_before_anything_is_decided_with_it(home: Path) -> None:
    house = RunningHouse(home, WallClock(datetime(2026, 1, 1, tzinfo=UTC)))
    desk = RunningDesk(house)
    assert not (home / "packs").exists()
    desk.tick()
    assert (home / "packs" / house.pack.digest[:16] / "tiny" / "places" / "provinces.json").is_file()
    desk.close()


# one of Apprise's own modules still imports it
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_doctor_names_recipients_whose_address_is_none_for_their_channel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = tmp_path / "chat"
    chat.write_text("json://127.0.0.1:1/")
    key = tmp_path / "key"
    key.write_text("a shared key of thirty-two bytes")
    addresses = {
        "mail": ("smtp", 'host = "127.0.0.1", sender = "a@b.invalid"', "nobody", "no domain"),
        "hook": ("webhook", f'key = {{ file = "{key}" }}', "ftp://x.invalid", "does not start with https://"),
        "chat": ("gateway", f'urls = {{ duty = {{ file = "{chat}" }} }}', "x", "there are: duty"),
        "horn": ("siren", 'host = "127.0.0.1"', "a/b", "is no device's name"),
        "wis": (
            "wis2",
            'host = "127.0.0.1", centre_id = "xx-y", base_url = "https://x.invalid/{id}"',
            "wis2",
            "is no topic under",
        ),
    }
    channels = "".join(
        f'[[channel]]\nid = "{id}"\nkind = "{kind}"\noptions = {{ {options} }}\n'
        for id, (kind, options, _, _) in addresses.items()
    )
    given = "".join(f'{id} = "{address}"\n' for id, (_, _, address, _) in addresses.items())
    files = pack()
    files["recipients.toml"] += "".join(
        RECIPIENT.format(id=id, channel=id, address="there", answers="false") for id in addresses
    )
    home, _ = quick_workspace(tmp_path, files, channels=f"{channels}\n[addresses]\n{given}")
    assert main(["doctor", str(home), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    for id, (_, _, _, why) in addresses.items():
        assert found["addresses_wrong"][id].startswith(f"by {id}: ") and why in found["addresses_wrong"][id]
        assert f"{id} cannot be reached: {found['addresses_wrong'][id]}" in found["faults"]
    # an empty address in the settings is the topic of the channel itself
    settings = (home / "anlan.toml").read_text()
    (home / "anlan.toml").write_text(settings.replace('wis = "wis2"', 'wis = ""'))
    main(["doctor", str(home), "--json"])
    assert "wis" not in json.loads(capsys.readouterr().out)["addresses_wrong"]


def test_doctor_asks_for_a_seal_on_authenticators_and_the_commands_make_it(
    home: Path, desk: RunningDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(desk)
    desk.close()
    assert main(["doctor", str(home), "--json"]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert "1 secrets of authenticators are kept without a seal" in fault
    seal(home, capsys)
    assert "1 secrets sealed anew, 0 kept plainly, 0 shut." in capsys.readouterr().out
    key = home.parent / "sealing.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and key.read_text().strip() not in str(content(home))
    assert main(["doctor", str(home), "--json"]) == 0
    # a key that is not the one: doctor says so, and whose authenticator it is
    capsys.readouterr()
    seal(home, capsys, "other.key")
    assert "no key opens the secret of ben" in capsys.readouterr().out
    assert main(["doctor", str(home), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["authenticators"] == {"plain": 0, "shut": ["ben"]}
    assert main(["account", "sealing-key", str(key)]) == 2  # nothing is overwritten


def test_the_board_as_known_at_any_instant_is_the_fold_of_the_journal_until_then(desk: RunningDesk) -> None:
    first = publish(desk)
    desk.act(desk.pack.users["ada"], "warning.cancel", first.id, {"reason": "issued in error"})
    entries = desk.changes(0)
    for until in {entry.at for entry in entries}:
        then = desk.as_known(until, SHOWN)
        plain = fold(entry for entry in entries if entry.at <= until)
        assert [list(getattr(then, t).items()) for t in SHOWN] == [
            list(getattr(plain, t).items()) for t in SHOWN
        ]
        assert board(then, desk.pack, until) == board(plain, desk.pack, until)
    before = desk.as_known(entries[0].at - timedelta(seconds=1), SHOWN)
    assert (before.head, before.warnings) == (0, {})
    assert desk.as_known(entries[-1].at + timedelta(days=1), SHOWN) is desk.state()
