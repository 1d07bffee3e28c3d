"""How `anlan serve` ends, and what it does about a clock that was wrong and an address that is taken."""

from __future__ import annotations

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2

from anlan.app.workspace import Lease
from anlan.model.entry import Draft, Marker
from anlan.store.journal import SqlJournal
from anlan.store.lake import DeltaLake
from served import Person, Service, anlan, pack, quick_workspace, stage


def test_a_stop_finishes_what_has_begun_within_ten_seconds(tmp_path: Path) -> None:
    home, secret = quick_workspace(tmp_path, pack())
    answers: list[int] = []
    with Service(home) as service:
        ada = Person(service.url, "ada")
        streaming = threading.Event()

        def follow() -> None:
            """A browser's live stream, which would last an hour."""
            try:
                with ada.client.stream("GET", "/v1/changes") as stream:
                    for _ in stream.iter_raw():
                        streaming.set()
            except httpx2.HTTPError:
                return

        def pushes() -> None:
            for number in range(400):
                try:
                    answers.append(service.push(secret, [stage(1.0 + number, "x/b", number)]).status_code)
                except httpx2.HTTPError:
                    return

        threads = [threading.Thread(target=what, daemon=True) for what in (follow, pushes)]
        for thread in threads:
            thread.start()
        assert streaming.wait(10)
        time.sleep(0.5)
        began = time.monotonic()
        assert service.stop() == 0, service.log.read_text()
        assert time.monotonic() - began < 10
        for thread in threads:
            thread.join(10)
    accepted = answers.count(202)
    assert accepted
    lake = DeltaLake.open(home)
    assert accepted <= lake.indicators()["stage"] <= accepted + 1
    lake.close()
    journal = SqlJournal(f"sqlite:///{home / 'journal.sqlite'}")
    assert journal.verify() >= accepted
    journal.close()
    # nothing of it holds the workspace any more
    Lease(home).release()
    assert "Traceback" not in service.log.read_text()


def test_after_a_clock_that_ran_ahead_it_goes_on_from_the_newest_entry(tmp_path: Path) -> None:
    home, secret = quick_workspace(tmp_path, pack())
    ahead = datetime.now(UTC) + timedelta(hours=3)
    journal = SqlJournal(f"sqlite:///{home / 'journal.sqlite'}")
    value = Marker("clock", "clock_was_wrong", "set by hand")
    journal.append([Draft("marker.clock_was_wrong", "clock", "", "system", value)], ahead)
    journal.close()
    with Service(home) as service:
        assert service.push(secret, [stage(4.5)]).json()["accepted"] == 1
        assert len(Person(service.url, "ada").get("/v1/risks")) == 1
        assert service.stop() == 0
    journal = SqlJournal(f"sqlite:///{home / 'journal.sqlite'}")
    instants = [entry.at for entry in journal.read()]
    journal.close()
    assert len(instants) > 2 and instants == sorted(instants) and instants[1] > ahead


def test_an_address_that_is_taken_is_told_plainly(tmp_path: Path) -> None:
    home, _ = quick_workspace(tmp_path, pack())
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = home / "anlan.toml"
        settings.write_text(settings.read_text().replace("port = 0", f"port = {port}"))
        refused = anlan("serve", str(home))
    assert refused.returncode == 3
    assert f"127.0.0.1:{port}: the console cannot listen there" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_channel_that_cannot_work_stops_the_start_and_its_setting_is_named(tmp_path: Path) -> None:
    home, _ = quick_workspace(tmp_path, pack())
    with (home / "anlan.toml").open("a") as settings:
        settings.write('[[channel]]\nid = "mail"\nkind = "smtp"\noptions = { host = "h" }\n')
    refused = anlan("serve", str(home))
    assert refused.returncode == 2
    assert "channel mail option sender: this option is required" in refused.stderr
    assert "Traceback" not in refused.stderr
