"""A document that takes the parser down takes nothing else down: the reading process is really killed,
really crashed, really starved, and the service goes on and says what it could not read."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anlan.formats.cap import worker as worker_module
from anlan.formats.cap.look import Look, look
from anlan.formats.cap.worker import Bounds, Worker
from anlan.model.errors import StoreUnavailable
from anlan.sources import registry
from anlan.sources.cap import source as source_module
from anlan.testing.drill_pack import drill_pack, drill_source


def message(id: str = "m1", text: str = "") -> bytes:
    return (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{id}</identifier><sender>s</sender><sent>2026-01-01T00:00:00-00:00</sent>"
        f"<status>Actual</status><msgType>Alert</msgType><scope>Public</scope><note>{text}</note></alert>"
    ).encode()


def feed(*messages: bytes) -> bytes:
    return b"<alerts>" + b"".join(messages) + b"</alerts>"


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(Bounds(memory=256 * 1024 * 1024, processor=1, wall=120.0))
    yield made
    made.close()


#: put into the reading process: what a bug in a parser would do at a message with these words
SABOTAGE = """
import ctypes, os, signal, time
import anlan.formats.cap.look as looked
import anlan.formats.cap.worker_process as served
plain = looked.examine
def examine(raw, profiles=()):
    if b"SEGFAULT" in raw: ctypes.string_at(0)
    if b"LIBXML" in raw:
        # libxml2 2.14.6 really dies of an entity when a schema is attached to its parser
        from lxml import etree
        xsd = (
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"><xs:complexType>'
            '<xs:sequence><xs:element name="b" type="xs:string"/></xs:sequence></xs:complexType></xs:element>'
            '</xs:schema>'
        )
        parser = etree.XMLParser(schema=etree.XMLSchema(etree.XML(xsd)))
        etree.fromstring('<!DOCTYPE a [<!ENTITY e "x">]><a><b>&e;</b></a>', parser)
        ctypes.string_at(0)  # a library that has mended it: still a crash
    if b"ABORT" in raw: os.abort()
    if b"SPIN" in raw:
        while True: pass
    if b"SLEEP" in raw: time.sleep(60)
    if b"STARVE" in raw: hog = [bytearray(1 << 20) for _ in range(4000)]
    if b"RAISE" in raw: raise RuntimeError("a bug")
    if b"NONSENSE" in raw: os.write(1, b"x" * 100)
    if b"ONCE" in raw and not os.path.exists(os.environ["HOME"] + "/once"):
        open(os.environ["HOME"] + "/once", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(raw, profiles)
looked.examine = examine
"""


@pytest.fixture
def sabotaged(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    (tmp_path / "sitecustomize.py").write_text(SABOTAGE)
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return worker


def told(looks: list[Look]) -> list[str]:
    return [one.item.code or one.identifier for one in looks]


@pytest.mark.parametrize(
    ("word", "code", "why"),
    [
        ("SEGFAULT", "parser_crashed", "SIGSEGV"),
        ("LIBXML", "parser_crashed", "SIGSEGV"),
        ("ABORT", "parser_crashed", "SIGABRT"),
        ("SPIN", "parser_timeout", "1 s of the processor"),
        ("SLEEP", "parser_timeout", "more than 2 s"),
        ("STARVE", "parser_memory", "memory"),
        ("RAISE", "parser_failed", "RuntimeError"),
        ("NONSENSE", "parser_crashed", "nonsense"),
    ],
)
def test_a_message_that_takes_the_reader_down_is_refused_and_its_neighbours_are_read(
    word: str, code: str, why: str, sabotaged: Worker
) -> None:
    raw = feed(message("a"), message("b", word), message("c"))
    if word == "SLEEP":
        sabotaged.bounds = replace(sabotaged.bounds, wall=2.0)
    looks = list(sabotaged.look(raw, "feed"))
    assert told(looks) == ["a", code, "c"]
    assert why in looks[1].item.sentence
    assert looks[1].item.raw == message("b", word) and looks[1].item.index == 1
    assert told(list(sabotaged.look(message("d"), "next"))) == ["d"]


def test_a_process_killed_at_or_between_documents_is_started_again(sabotaged: Worker) -> None:
    assert told(list(sabotaged.look(message("a", "ONCE"), "f"))) == ["a"], "at its first document"
    assert sabotaged.pid and sabotaged.starts == 2
    os.kill(sabotaged.pid, signal.SIGKILL)
    assert told(list(sabotaged.look(message("b"), "f"))) == ["b"]
    assert sabotaged.starts == 3


def test_a_process_killed_in_the_middle_loses_no_message(worker: Worker) -> None:
    raw = feed(*(message(f"m{n}") for n in range(300)))
    looks = []
    for number, one in enumerate(worker.look(raw, "feed")):
        looks.append(one)
        if number in (50, 120, 200):
            assert worker.pid
            os.kill(worker.pid, signal.SIGKILL)
    assert [one.identifier for one in looks] == [f"m{n}" for n in range(300)]
    assert worker.starts == 4


def test_a_document_that_is_not_read_to_its_end_leaves_no_half_answer(worker: Worker) -> None:
    raw = feed(*(message(f"m{n}") for n in range(50)))
    assert next(worker.look(raw, "feed")).identifier == "m0"
    assert told(list(worker.look(message("z"), "f"))) == ["z"]


def test_a_fork_of_the_service_has_a_reader_of_its_own(worker: Worker) -> None:
    assert told(list(worker.look(message("a"), "f"))) == ["a"]
    before = worker.pid
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are threads: the fork ends at once
        child = os.fork()
    if not child:
        ok = told(list(worker.look(message("b"), "f"))) == ["b"] and worker.pid != before
        worker.close()
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert told(list(worker.look(message("c"), "f"))) == ["c"]
    assert (worker.pid, worker.starts) == (before, 1)


def test_many_messages_that_lean_on_their_wrapper_cost_their_own_memory_only() -> None:
    inner = b"".join(b"<c:%b>x</c:%b>" % (name, name) for name in (b"identifier", b"sender", b"note"))
    one = b"<c:alert>" + inner * 20 + b"</c:alert>"
    raw = b'<w xmlns:c="urn:oasis:names:tc:emergency:cap:1.2">' + one * 1_500 + b"</w>"
    small = Worker(Bounds(memory=160 * 1024 * 1024))
    looks = list(small.look(raw, "feed"))
    small.close()
    assert len(looks) == 1_500 and not [look for look in looks if look.item.code]


def test_threads_take_turns(worker: Worker) -> None:
    found: dict[int, list[str]] = {}

    def ask(number: int) -> None:
        found[number] = told(list(worker.look(feed(message(f"{number}a"), message(f"{number}b")), "f")))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [f"{number}a", f"{number}b"] for number in range(8)}
    assert worker.starts == 1


def test_the_answers_of_the_process_are_those_of_reading_here(worker: Worker, shared: Path) -> None:
    for name in ("hostile", "tg", "au-rfs", "cn-cma"):
        for path in sorted((shared / "corpus" / "cap" / name).iterdir()):
            raw = path.read_bytes()
            here = [replace(one, seconds=0.0) for one in look(raw, path.name)]
            there = [replace(one, seconds=0.0) for one in worker.look(raw, path.name)]
            assert here == there, path.name


def test_the_process_can_write_no_file_and_ends_with_its_input(worker: Worker) -> None:
    list(worker.look(message(), "f"))
    limits = Path(f"/proc/{worker.pid}/limits")
    if limits.exists():
        rows = {line[:26].strip(): line[26:].split()[0] for line in limits.read_text().splitlines()}
        assert (rows["Max file size"], rows["Max core file size"]) == ("0", "0")
        assert rows["Max address space"] != "unlimited"
    process = worker._process
    assert process is not None and process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=5) == 0


def test_where_no_process_can_be_started_intake_stops_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module.sys, "executable", "/nowhere/python")
    with pytest.raises(StoreUnavailable, match="cannot be started"):
        list(Worker().look(message(), "f"))


def test_a_source_goes_on_after_a_message_that_crashes_the_reader(
    sabotaged: Worker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(source_module, "shared_worker", lambda: sabotaged)
    built = registry.build(drill_source("cap", file="feed.xml", place="xx"))
    warning = message("w").replace(
        b"</alert>",
        b"<info><category>Met</category><event>Rain</event><urgency>Immediate</urgency>"
        b"<severity>Severe</severity><certainty>Likely</certainty>"
        b"<area><areaDesc>x</areaDesc></area></info></alert>",
    )
    (tmp_path / "feed.xml").write_bytes(feed(message("bad", "SEGFAULT"), warning))
    began = time.monotonic()
    batch = built.fetch(datetime(2026, 1, 1, tzinfo=UTC), drill_pack(str(tmp_path)))
    assert [item.value for item in batch.observations] == [3.0]
    (held,) = batch.quarantined
    assert held.code == "parser_crashed" and b"SEGFAULT" in held.raw
    assert time.monotonic() - began < 20
