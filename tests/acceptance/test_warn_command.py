"""`anlan warn` and `anlan account`: a warning's way without a browser."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from anlan.app.workspace import init
from anlan.cli.main import main
from sample_pack import write
from served import PASSWORD, pack

WORDS = """
hazard = "flood"
place = "x/a"
level = 2
places = ["x/a"]
expires = "%s"
headline_en = "Flood at Alpha"
headline_zh = "甲县洪水"
matters_en = "The dike leaks."
matters_zh = "堤坝渗漏。"
measures_en = "Go to high ground now."
measures_zh = "请立即前往高处。"
reason = "the lock keeper rang"
"""
DROPS = "".join(
    f'\n[[channel]]\nid = "{id}"\nkind = "file"\noptions = {{ folder = "{id}" }}\n' for id in ("mail", "hook")
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code = main(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def workspace(folder: Path, mode: str) -> Path:
    write(folder / "tiny", pack())
    init(folder / "site", str(folder / "tiny"), mode=mode, sender="office@tiny.invalid", port=0, more=DROPS)
    return folder / "site"


def end(days: int) -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_warning_is_written_put_forward_and_approved_on_the_command_line(tmp_path: Path, run: Run) -> None:
    home = workspace(tmp_path, "exercise")
    at = ("--workspace", str(home))
    for name in ("ada", "ben"):
        assert run("account", "set", name, *at, given=f"{PASSWORD}\n")[0] == 0
    file = tmp_path / "words.toml"
    file.write_text(WORDS % end(1), "utf-8")

    code, out, _ = run("warn", "compose", str(file), "--as", "ada", "--check", *at, given=f"{PASSWORD}\n")
    checked = json.loads(out)
    assert (code, checked["basis"]) == (0, "act-2010#5")
    assert checked["reach"]["km2"] > 0 and len(checked["reach"]["beyond"]) == 3
    assert run("warn", "list", *at)[1] == "", "a check keeps nothing"
    # a key that nobody reads, and an hour without its zone, are not passed over
    for more, told in (
        ("measure_en = 'x'", "measure_en: no such key"),
        ("starts = 2026-01-01T08:00:00", "zone"),
    ):
        (tmp_path / "odd.toml").write_text(f"{WORDS % end(1)}\n{more}\n", "utf-8")
        code, _, err = run("warn", "compose", str(tmp_path / "odd.toml"), "--as", "ada", "--check", *at)
        assert code == 2 and told in err, err
    assert run("warn", "compose", str(file), "--as", "ada", *at, given="a wrong password\n")[0] == 2
    code, out, _ = run("warn", "compose", str(file), "--as", "ada", *at, given=f"{PASSWORD}\n")
    assert code == 0
    id = out.split()[0]
    assert run("warn", "submit", id, "--as", "ada", *at, given=f"{PASSWORD}\n")[0] == 0

    # nobody has a device in an exercise: who asks for a code is lent what makes it
    assert run("account", "code", "ben", *at)[0] == 0
    code, _, err = run("warn", "approve", id, "--as", "ben", *at, given=f"{PASSWORD}\n000000\n")
    assert (code, "does not fit" in err) == (2, True)
    shown = run("account", "code", "ben", *at)[1].strip()
    assert len(shown) == 6
    code, out, _ = run("warn", "approve", id, "--as", "ben", *at, given=f"{PASSWORD}\n{shown}\n")
    assert (code, out.split()) == (0, [id, "approved"])
    (listed,) = json.loads(run("warn", "list", "--json", *at)[1])
    assert (listed["id"], listed["mode"], listed["approver"]) == (id, "Exercise", "ben")
    told = json.loads(run("warn", "show", id, "--json", *at)[1])
    channels, reach = told["channels"], told["reach"]
    assert reach["km2"] == checked["reach"]["km2"] and reach["recipients"]
    assert [one["channel"] for one in reach["beyond"]] == ["cap", "cell_broadcast", "wea"]
    assert f"reach: {reach['says']}\n" in run("warn", "show", id, *at)[1]
    assert {one["channel"] for one in channels} == {
        "cap",
        "cell_broadcast",
        "wea",
        "wea_short",
        "sms",
        "mail",
    }
    assert all({"en": "EXERCISE", "zh": "演练"}[one["language"]] in one["text"] for one in channels)
    for words, told in (
        (("raise", "--level", "1", "--expires", end(2)), "--expires: raise does not take it"),
        (("extend", "--level", "1", "--expires", end(2)), "--level: extend does not take it"),
        (("extend", "--expires", end(2).rstrip("Z")), "needs a time zone"),
    ):
        code, _, err = run("warn", "follow", id, *words, "--as", "ada", *at)
        assert code == 2 and told in err, err
    (tmp_path / "other.toml").write_text('hazard = "fire"\nmatters_en = "x"\n')
    code, _, err = run("warn", "correct", id, str(tmp_path / "other.toml"), "--as", "ada", *at)
    assert code == 2 and "a message keeps its hazard" in err
    code, out, _ = run(
        "warn", "follow", id, "extend", "--expires", end(2), "--as", "ada", *at, given=f"{PASSWORD}\n"
    )
    assert (code, out.split()[1]) == (0, "draft")


def test_an_authenticator_is_set_up_and_taken_away_at_a_terminal(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyotp

    home = workspace(tmp_path, "live")
    at = ("--workspace", str(home))
    assert run("account", "set", "ben", *at, given=f"{PASSWORD}\n")[0] == 0
    monkeypatch.setattr(pyotp, "random_base32", lambda: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    code = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").now()
    done, out, _ = run("account", "authenticator", "ben", *at, given=f"{code}\n")
    assert done == 0
    assert "otpauth://totp/" in out
    assert len([line for line in out.splitlines() if len(line) == 11 and line[5] == "-"]) == 10
    refused, _, err = run("account", "code", "ben", *at)
    assert (refused, "live workspace" in err) == (2, True)
    assert run("account", "reset", "ben", *at)[0] == 0
    assert run("account", "authenticator", "nobody", *at, given="1\n")[0] == 2
