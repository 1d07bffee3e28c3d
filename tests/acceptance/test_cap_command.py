"""`anlan cap` as somebody uses it who handles CAP and nothing else of anlan."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from anlan.cli.main import main
from anlan.formats import cap
from signers import signer

MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{id}</identifier><sender>met@x.invalid</sender><sent>2026-11-25T08:00:00+08:00</sent>
  <status>{status}</status><msgType>{kind}</msgType><scope>{scope}</scope>{more}
  <info><category>Met</category><event>Rain</event><urgency>Expected</urgency>
    <severity>Severe</severity><certainty>Likely</certainty><expires>2026-11-26T08:00:00+08:00</expires>
    <area><areaDesc>A</areaDesc><polygon>30,110 30,111 31,111 31,110 30,110</polygon></area></info>
</alert>
"""


def message(id: str = "m1", *, kind: str = "Alert", status: str = "Actual", scope: str = "Public") -> bytes:
    more = "<addresses>a@x.invalid</addresses>" if scope == "Private" else ""
    if kind != "Alert":
        more += "<references>met@x.invalid,m1,2026-11-25T08:00:00+08:00</references>"
    return MESSAGE.format(id=id, kind=kind, status=status, scope=scope, more=more).encode()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m1.xml").write_bytes(message())
    return tmp_path


def ran(capfdbinary: Any, *words: str) -> tuple[int, bytes, str]:
    code = main(["cap", *words])
    told = capfdbinary.readouterr()
    return code, told.out, told.err.decode()


def lines(capfdbinary: Any, *words: str) -> tuple[int, list[dict[str, Any]]]:
    code, told, _ = ran(capfdbinary, *words, "--json")
    return code, [json.loads(line) for line in told.splitlines()]


def test_a_folder_of_everything_gives_a_line_for_each_message_and_each_document(
    here: Path, capfdbinary: Any
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/a.xml", message("z1"))
        archive.writestr("b.txt", b"nothing")
    (here / "z.zip").write_bytes(packed.getvalue())
    (here / "feed.xml").write_bytes(b"<alerts>" + message("f1")[39:] + message("f2")[39:] + b"</alerts>")
    (here / "evil.xml").write_bytes(b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + message()[39:])
    (here / "link.xml").symlink_to("/etc/hostname")
    code, found = lines(capfdbinary, "check", ".")
    assert code == 1
    assert [(one["file"], one["index"], one["identifier"], one["readable"]) for one in found] == [
        ("evil.xml", 0, "", False),
        ("feed.xml", 0, "f1", True),
        ("feed.xml", 1, "f2", True),
        ("link.xml", 0, "", False),
        ("m1.xml", 0, "m1", True),
        ("z.zip", 0, "z1", True),
        ("z.zip", None, "", False),
    ]
    assert found[0]["reason"]["code"] == "hostile"
    assert [one["rule"] for one in found[0]["findings"]] == ["S-no-dtd"]
    assert found[5]["member"] == "in/a.xml"
    assert {one["valid"] for one in found if one["readable"]} == {True}
    assert {one["geometry"] for one in found if one["readable"]} == {"exact"}
    again, same = lines(capfdbinary, "check", ".", "--no-worker")
    assert again == 1

    def timeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "seconds": 0} for row in rows]

    assert timeless(same) == timeless(found)


def test_what_lies_in_a_folder_and_is_no_message_is_named_and_not_counted(
    here: Path, capfdbinary: Any
) -> None:
    (here / "README.md").write_text("# Messages of an office\n\nSee `index.csv`; a > b < c.\n")
    (here / "index.csv").write_bytes("\ufefffile,what\nm1.xml,grün\n".encode())
    (here / "junk.xml").write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + message())
    (here / "old.xml").write_bytes(message().decode().encode("cp037"))  # EBCDIC is XML too
    (here / ".lock").touch()
    code, found = lines(capfdbinary, "check", ".")
    assert code == 1
    assert {one["file"]: (one["index"], (one["reason"] or {}).get("code")) for one in found} == {
        ".lock": (None, "no_message"),
        "README.md": (None, "no_message"),
        "index.csv": (None, "no_message"),
        "junk.xml": (0, "unreadable"),
        "m1.xml": (0, None),
        "old.xml": (0, "unreadable"),
    }
    (here / "junk.xml").unlink()
    (here / "old.xml").unlink()
    code, told, _ = ran(capfdbinary, "check", ".")
    assert code == 0, "a folder with a README is no fault"
    assert "1 messages in 4 files: 1 readable" in told.decode()
    code, (one,) = lines(capfdbinary, "check", "README.md")
    assert (code, one["index"]) == (1, 0), "what is named is meant as a message"
    (here / "bare").mkdir()
    code, (one,) = lines(capfdbinary, "check", "bare")
    assert (code, one["index"], one["reason"]["sentence"]) == (0, None, "bare: a folder without files")


def test_a_name_that_two_messages_have_is_told_where_they_are_looked_at_together(
    here: Path, capfdbinary: Any
) -> None:
    (here / "m2.xml").write_bytes(message(status="Test"))
    (here / "m3.xml").write_bytes(message())
    code, found = lines(capfdbinary, "check", ".")
    assert code == 0 and all(one["findings"] == [] for one in found)
    code, found = lines(capfdbinary, "check", ".", "--together")
    assert code == 1
    assert [[one["rule"] for one in told["findings"]] for told in found] == [[], ["A-identifier-unique"], []]


def test_a_relay_takes_the_content_out_of_resources(here: Path, capfdbinary: Any) -> None:
    held = (
        "<resource><resourceDesc>r</resourceDesc><mimeType>a/b</mimeType><derefUri>QUFB</derefUri></resource>"
    )
    (here / "m1.xml").write_bytes(message().replace(b"<area>", held.encode() + b"<area>"))
    code, told, said = ran(capfdbinary, "convert", "m1.xml", "--to", "cap", "--no-content")
    assert code == 0 and told == (here / "m1.xml").read_bytes().replace(b"<derefUri>QUFB</derefUri>", b"")
    assert "1 contents taken out; 1 resources have no uri" in said


def test_findings_carry_rule_path_and_severity_and_decide_the_exit_code(here: Path, capfdbinary: Any) -> None:
    code, (one,) = lines(capfdbinary, "check", "m1.xml")
    assert code == 0 and one["findings"] == [] and one["signature"] == "unsigned"
    (here / "m2.xml").write_bytes(message().replace(b"31,110 30,110<", b"31,110<"))
    code, (one,) = lines(capfdbinary, "check", "m2.xml")
    assert code == 1
    assert [(f["rule"], f["path"], f["severity"]) for f in one["findings"]] == [
        ("G-polygon-closed", "alert/info[1]/area[1]/polygon[1]", "must")
    ]
    assert one["geometry"] == "repaired" and one["geometry_records"][0]["code"] == "open_ring"
    code, (one,) = lines(capfdbinary, "check", "m1.xml", "--profile", "google")
    assert any(finding["rule"].startswith("GO-") for finding in one["findings"])


def test_people_read_a_table_that_no_message_can_forge(here: Path, capfdbinary: Any) -> None:
    (here / "m3.xml").write_bytes(message("m3\nyes  yes  0 forged"))
    code, told, _ = ran(capfdbinary, "check", "m1.xml", "m3.xml")
    rows = told.decode().splitlines()
    assert code == 1
    assert rows[0].startswith("READ XSD") and rows[1].startswith("yes  yes") and "m1" in rows[1]
    assert not any(row.startswith("yes") and "forged" in row for row in rows)
    assert rows[-1].startswith("2 messages in 2 files: 1 readable")


def test_standard_input_and_a_reader_that_goes_away(here: Path) -> None:
    anlan = [sys.executable, "-m", "anlan", "cap"]
    done = subprocess.run([*anlan, "check", "-", "--json"], input=message(), capture_output=True, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["file"] == "-"
    gone = subprocess.run(
        f"{sys.executable} -m anlan cap check --json m1.xml m1.xml m1.xml | head -c 1",
        shell=True,
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in gone.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["check"], "nothing to read"),
        (["check", "nowhere.xml"], "no such file"),
        (["check", "m1.xml", "--profile", "nobody"], "no such profile"),
        (["check", "m1.xml", "--gazetteer", "x"], "SCHEME=FILE"),
        (["check", "m1.xml", "--gazetteer", "EMMA_ID=m1.xml"], "m1.xml"),
        (["check", "m1.xml", "--at", "soon"], "soon"),
        (["verify", "m1.xml", "--trust", "none.toml"], "no such file"),
        (["convert", "m1.xml", "--to", "pdf"], "no such form"),
        (["convert", "m1.xml", "--to", "wis2"], "--metadata-id"),
        (["sign", "m1.xml", "--key", "k", "--certificate", "c"], "cannot be read"),
        (["feed", "m1.xml", "--id", "urn:i", "--title", "t", "--base", "x"], "absolute address"),
        (["feed", "m1.xml", "--id", "i", "--title", "t", "--base", "https://x.invalid"], "absolute IRI"),
        (
            ["feed", "m1.xml", "--id", "urn:i", "--title", "t", "--base", "https://x", "--status", "Bogus"],
            "no such status",
        ),
        (["convert", "m1.xml", "--to", "cap", "--out", "m1.xml"], "no folder can be made"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_was_wrong(
    words: list[str], told: str, here: Path, capfdbinary: Any
) -> None:
    code, _, err = ran(capfdbinary, *words)
    assert code == 2 and told in err and "Traceback" not in err


def test_a_message_is_signed_sent_on_and_verified_by_another_hand(here: Path, capfdbinary: Any) -> None:
    met, other = signer("met.x.invalid"), signer("other.invalid")
    for one, name in ((met, "met"), (other, "other")):
        (here / f"{name}.key").write_bytes(one.key_pem)
        (here / f"{name}.pem").write_bytes(one.pem)
    (here / "trust.toml").write_text('[[anchor]]\nsender = "met@x.invalid"\ncertificate = "met.pem"\n')
    at = ("--at", "2026-11-25T00:00:00Z")
    for name in ("met", "other"):
        words = ("sign", "m1.xml", "--key", f"{name}.key", "--certificate", f"{name}.pem", *at)
        assert ran(capfdbinary, *words, "--out", f"{name}.xml")[0] == 0
    _, inline, _ = ran(capfdbinary, "sign", "m1.xml", "--key", "met.key", "--certificate", "met.pem", *at)
    assert inline == (here / "met.xml").read_bytes()
    code, found = lines(capfdbinary, "verify", "met.xml", "--trust", "trust.toml", *at)
    assert (code, found[0]["signature"], found[0]["signatures"][0]["key_name"]) == (0, "authenticated", "met")
    for file, verdict in (("other.xml", "integrity_only"), ("m1.xml", "unsigned")):
        code, found = lines(capfdbinary, "verify", file, "--trust", "trust.toml", *at)
        assert (code, found[0]["signature"]) == (1, verdict)
    assert ran(capfdbinary, "verify", "other.xml", *at)[0] == 0, "without anchors whole is enough"
    broken = (here / "met.xml").read_bytes().replace(b"Severe", b"Minor")
    (here / "broken.xml").write_bytes(broken)
    code, told, _ = ran(capfdbinary, "verify", "broken.xml", *at)
    assert code == 1 and told.startswith(b"broken")
    code, told, _ = ran(capfdbinary, "verify", "met.xml", "--trust", "trust.toml", "--at-sent")
    assert code == 0 and b"signed by" in told


def test_what_cannot_be_signed_is_named_with_its_file(here: Path, capfdbinary: Any) -> None:
    met = signer("met.x.invalid")
    (here / "met.key").write_bytes(met.key_pem)
    (here / "met.pem").write_bytes(met.pem)
    keys = ("--key", "met.key", "--certificate", "met.pem", "--at", "2026-11-25T00:00:00Z")
    (here / "wide.xml").write_bytes(message().decode().replace("UTF-8", "UTF-16").encode("utf-16"))
    (here / "cut.xml").write_bytes(message()[:200])
    for name, told in (("wide.xml", "only messages in UTF-8"), ("cut.xml", "not well-formed")):
        code, _, err = ran(capfdbinary, "sign", name, *keys)
        assert code == 2 and err.startswith(f"anlan: {name}: {told}"), err
    code, out, err = ran(capfdbinary, "sign", "m1.xml", *keys[:-1], "2031-01-01T00:00:00Z")
    assert code == 2 and not out and "met.pem: the certificate is not in force" in err
    assert "2020-01-01 to 2030-01-01" in err


def test_conversions_come_back_byte_for_byte(here: Path, capfdbinary: Any) -> None:
    (here / "odd.xml").write_bytes(message().replace(b"\n", b"\r\n"))
    for file in ("m1.xml", "odd.xml"):
        raw = (here / file).read_bytes()
        _, text, _ = ran(capfdbinary, "convert", file, "--to", "json")
        (here / "m.json").write_bytes(text)
        assert ran(capfdbinary, "convert", "m.json", "--to", "cap")[:2] == (0, raw)
        _, text, _ = ran(capfdbinary, "convert", file, "--to", "json", "--no-original")
        (here / "n.json").write_bytes(text)
        _, written, _ = ran(capfdbinary, "convert", "n.json", "--to", "cap")
        assert cap.read(written) == cap.read(raw)
    # what is written here from fields alone is named where nobody should publish it
    (here / "n.json").write_bytes(text.replace(b'"Met"', b'"Weather"'))
    code, written, err = ran(capfdbinary, "convert", "n.json", "--to", "cap")
    assert code == 1 and b"<category>Weather<" in written and "not to be published" in err
    assert "I-category-enum" in err
    _, text, _ = ran(capfdbinary, "convert", "m1.xml", "odd.xml", "--to", "json")
    (here / "both.json").write_bytes(text)
    assert ran(capfdbinary, "convert", "both.json", "--to", "cap", "--out", "back")[0] == 0
    back = sorted((here / "back").iterdir())
    assert [path.read_bytes() for path in back] == [message(), message().replace(b"\n", b"\r\n")]
    assert ran(capfdbinary, "convert", "m1.xml", "--to", "edxl", "--out", "w.xml")[0] == 0
    _, found = lines(capfdbinary, "check", "w.xml")
    assert [one["identifier"] for one in found] == ["m1"]
    code, told, _ = ran(capfdbinary, "convert", "m1.xml", "--to", "geojson")
    assert code == 0 and json.loads(told)["features"][0]["geometry"]["type"] == "Polygon"
    words = ("--base", "https://x.invalid/cap", "--centre", "cn-cma", "--metadata-id", "urn:wmo:md:cn-cma:w")
    code, told, _ = ran(capfdbinary, "convert", "m1.xml", "--to", "wis2", *words)
    assert json.loads(told)["links"][0]["href"] == "https://x.invalid/cap/m1.cap.xml"
    (here / "p.xml").write_bytes(message("p", scope="Private"))
    code, told, err = ran(capfdbinary, "convert", "p.xml", "--to", "wis2", *words)
    assert (code, told, err) == (1, b"", "anlan: p.xml 0 left out: scope Private\n")


def test_a_message_without_area_is_named_where_only_areas_are_written(here: Path, capfdbinary: Any) -> None:
    whole = message("bare")
    (here / "bare.xml").write_bytes(whole[: whole.index(b"<area>")] + b"</info></alert>")
    code, told, err = ran(capfdbinary, "convert", ".", "--to", "geojson")
    assert code == 0 and len(json.loads(told)["features"]) == 1
    assert err == "anlan: bare.xml 0 no feature: the message has no area\n"


def test_messages_taken_out_of_a_wrapper_never_leave_their_folder(here: Path, capfdbinary: Any) -> None:
    inside = message("../../etc/passwd")[39:] + message("m1")[39:] + message("m1")[39:]
    (here / "feed.xml").write_bytes(b"<alerts>" + inside + b"</alerts>")
    code, _, err = ran(capfdbinary, "convert", "feed.xml", "--to", "cap", "--out", "got")
    assert code == 0 and "3 messages" in err
    names = sorted(path.name for path in (here / "got").iterdir())
    assert names[1:] == ["00001-m1.cap.xml", "00002-m1.cap.xml"] and ".." not in names[0]
    assert sorted(path.name for path in here.iterdir()) == ["feed.xml", "got", "m1.xml"]


def test_a_feed_lists_what_is_in_force_and_names_what_it_leaves_out(here: Path, capfdbinary: Any) -> None:
    (here / "m2.xml").write_bytes(message("m2", kind="Update"))
    (here / "p.xml").write_bytes(message("p", scope="Private"))
    (here / "d.xml").write_bytes(message("d", status="Exercise"))
    (here / "bad.xml").write_bytes(b"<x/>")
    words = ("feed", ".", "--id", "https://x.invalid/f", "--title", "T", "--base", "https://x.invalid/cap")
    code, told, err = ran(capfdbinary, *words, "--at", "2026-11-25T12:00:00Z")
    (entry,) = cap.read_index(told)
    assert (code, entry.links[0]) == (1, "https://x.invalid/cap/m2.cap.xml")
    assert "scope Private" in err and "status Exercise" in err and "bad.xml" in err
    _, told, _ = ran(capfdbinary, *words, "--at", "2026-11-27T00:00:00Z")
    assert cap.read_index(told) == ()
    # at an instant before they were sent nothing was in force, but for a clock that is a little ahead
    _, told, err = ran(capfdbinary, *words, "--at", "2026-11-24T23:00:00Z")
    assert cap.read_index(told) == () and "m1.xml 0 left out: sent 2026-11-25T08:00:00+08:00, later" in err
    _, told, _ = ran(capfdbinary, *words, "--at", "2026-11-24T23:50:00Z")
    assert len(cap.read_index(told)) == 1


def test_a_feed_names_what_is_expired_superseded_or_there_twice(here: Path, capfdbinary: Any) -> None:
    (here / "m1again.xml").write_bytes(message())
    (here / "m1other.xml").write_bytes(message().replace(b"Rain", b"Snow"))
    (here / "m2.xml").write_bytes(message("m2", kind="Update"))
    words = ("feed", ".", "--id", "urn:x", "--title", "T", "--base", "https://x.invalid/cap")
    code, told, err = ran(capfdbinary, *words, "--at", "2026-11-25T12:00:00Z")
    assert code == 1 and len(cap.read_index(told)) == 1
    assert "m1again.xml 0 left out: the same message as m1.xml 0" in err
    assert "m1other.xml 0 left out: its address is that of another message, of m1.xml 0" in err
    assert "m1.xml 0 left out: superseded" in err
    (here / "m1other.xml").unlink()
    code, _, err = ran(capfdbinary, *words, "--at", "2026-11-27T00:00:00Z")
    assert code == 0 and "m2.xml 0 left out: expired" in err


def test_an_instant_at_the_end_of_the_calendar_stops_no_feed_and_no_notification(
    here: Path, capfdbinary: Any
) -> None:
    first, last = b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00"
    odd = message("odd").replace(b"2026-11-25T08:00:00+08:00", first)
    (here / "odd.xml").write_bytes(odd.replace(b"2026-11-26T08:00:00+08:00", last))
    base = ("--base", "https://x.invalid/cap", "--at", "2026-11-25T12:00:00Z")
    code, told, _ = ran(capfdbinary, "feed", ".", "--id", "urn:x", "--title", "T", *base)
    assert code == 0 and len(cap.read_index(told)) == 2 and first in told and last in told
    wis2 = ("--to", "wis2", "--centre", "cn-cma", "--metadata-id", "urn:wmo:md:cn-cma:x")
    code, told, err = ran(capfdbinary, "convert", ".", *wis2, *base)
    assert code == 1 and len(told.splitlines()) == 1
    assert "odd.xml 0 left out" in err and "out of range" in err and "m1.xml" not in err


def test_the_whole_corpus_gives_a_line_for_every_file_and_never_a_traceback(
    shared: Path, capfdbinary: Any
) -> None:
    folder = shared / "corpus" / "cap"
    code, told, err = ran(capfdbinary, "check", str(folder), "--json")
    assert code == 1 and not err
    found = [json.loads(line) for line in told.splitlines()]
    files = {str(path) for path in folder.rglob("*") if path.is_file()}
    assert {one["file"] for one in found} == files
    matrix = [one for one in found if "alerthub-matrix" in one["file"]]
    assert len(matrix) == 950 + 1472
    for one in found:
        assert one["readable"] or one["reason"]["code"], one["file"]
