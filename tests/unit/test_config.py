"""Settings: what does not hold is named by its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from anlan.app.config import FILE, read_config
from anlan.model.errors import AnlanError, NotFound

GOOD = 'pack = "demo"\nsender = "office@tiny.invalid"\n'


def written(folder: Path, text: str) -> Path:
    (folder / FILE).write_text(text)
    return folder


def test_settings_have_plain_defaults(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, GOOD))
    assert (config.mode, config.host, config.port, config.language) == ("live", "127.0.0.1", 8420, "en")
    assert config.pack == "demo" and config.channel == () and not config.secure


def test_paths_are_relative_to_the_workspace_wherever_the_command_runs(tmp_path: Path) -> None:
    text = GOOD.replace('"demo"', '"../mine"') + 'packs = ["more", "/elsewhere"]\n'
    config = read_config(written(tmp_path, text))
    assert config.pack == str(tmp_path / ".." / "mine")
    assert config.packs == (str(tmp_path / "more"), "/elsewhere")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pack = 1\n" + GOOD.splitlines()[1], "pack"),
        ('pack = "demo"\n', "sender"),
        (GOOD + 'colour = "red"\n', "colour"),
        (GOOD + 'port = "8420"\n', "port"),
        (GOOD + "port = 70000\n", "port"),
        (GOOD + 'mode = "war"\n', "mode"),
        (GOOD + 'language = "xx"\n', "language"),
        (GOOD + "secure = 2020-01-01\n", "secure"),
        (GOOD + "port = nan\n", "port"),
        (GOOD + 'host = ""\n', "host"),
        (GOOD.replace("office@", "the office@"), "sender"),
        (GOOD + '[[channel]]\nid = "a"\nkind = "file"\n' * 2, "two channels of one id"),
        (GOOD + '[[channel]]\nid = "a"\n', "channel.0.kind"),
        (GOOD + "[[channel]\n", "TOML"),
    ],
)
def test_a_setting_that_does_not_hold_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(AnlanError) as caught:
        read_config(written(tmp_path, text))
    assert named in caught.value.sentence() and FILE in caught.value.sentence()


def test_a_folder_without_settings_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="anlan init"):
        read_config(tmp_path)
