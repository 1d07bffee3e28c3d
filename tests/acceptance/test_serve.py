"""`anlan serve` as its users meet it: a real process, HTTP, SMTP, webhooks, forms and signals."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path

import httpx2
import pyarrow as pa
import pytest

from anlan.app.peers import Peers
from served import CHANNELS, Person, Service, anlan, key, pack, stage, wait, workspace


@dataclass
class Site:
    service: Service
    secret: str
    folder: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "hook.key").write_text("a key of thirty-two characters...")
    peers = Peers.start(folder)
    try:
        channels = CHANNELS.format(mail=peers.mail_port, hook=peers.web_url, key=folder / "hook.key")
        home = workspace(folder, pack(), channels=channels)
        secret = key(home)
        with Service(home, by_hand=True) as service:
            yield Site(service, secret, folder)
    finally:
        peers.stop()


def warnings(person: Person, **wanted: str) -> list[dict]:
    found = person.get("/v1/warnings")
    return [w for w in found if all(w[name] == value for name, value in wanted.items())]


def test_from_a_pushed_value_to_the_review_of_its_incident(site: Site) -> None:
    service = site.service
    pushed = service.push(site.secret, [stage(2.0, back=1), stage(4.5)])
    assert (pushed.status_code, pushed.json()) == (202, {"accepted": 2, "repeated": 0, "quarantined": []})
    ada, ben = Person(service.url, "ada"), Person(service.url, "ben")

    (risk,) = ada.get("/v1/risks")
    assert (risk["hazard"], risk["place"], risk["level"], risk["verdict"]) == ("flood", "x/a", 2, "open")
    (draft,) = warnings(ada)
    assert (draft["status"], draft["level"], draft["mode"]) == ("draft", 2, "Actual")
    warning = draft["id"]
    assert warning in ada.page(f"/risk/{risk['id']}")

    ada.act("warning.submit", warning, reason="two gauges agree")
    refused = ada.do("warning.approve", warning, reason="by myself")
    assert refused.status_code == 403
    ben.act("warning.approve", warning, reason="agreed")
    (sent,) = warnings(ada, id=warning)
    assert (sent["status"], sent["author"], sent["approver"]) == ("approved", "ada", "ben")

    # every channel got the very bytes that the journal fixed
    published = wait(lambda: list((site.folder / "site" / "feed").glob("*.cap.xml")))[0].read_bytes()
    (mail,) = wait(lambda: list((site.folder / "mail").glob("*.eml")))
    message = BytesParser(policy=policy.default).parsebytes(mail.read_bytes())
    (attached,) = [part for part in message.walk() if part.get_content_type() == "application/cap+xml"]
    (hook,) = wait(lambda: list((site.folder / "webhook").glob("*.json")))
    assert attached.get_payload(decode=True) == published
    assert json.loads(hook.read_text())["cap"].encode() == published
    assert message["To"] == "desk@tiny.invalid"

    # anybody may read it
    with httpx2.Client(base_url=service.url) as public:
        assert draft["headline"]["en"] in public.get("/status").text
        assert f"/feed/{warning}.xml" in public.get("/feed/feed.atom").text
        assert public.get(f"/feed/{warning}.xml").content == published
        assert public.post("/status").status_code in (401, 403, 405)
        assert public.get("/v1/risks").status_code == 401
        assert public.get("/").status_code == 303

    # the answer, through the form on the warning's page
    def waiting() -> str:
        found = re.search(r'name="subject" value="(D-[0-9a-f]+)"', ada.page(f"/warning/{warning}"))
        return found[1] if found else ""

    ada.act("delivery.answer", wait(waiting), answer="the desk has it")
    assert "the desk has it" in ada.page(f"/warning/{warning}")

    (incident,) = ada.get(f"/v1/risks/{risk['id']}")["incidents"]
    page = ada.page(f"/incident/{incident['id']}")
    tasks = re.findall(r'name="subject" value="(T-[0-9a-f]+)"', page)
    assert len(tasks) == 2
    for task in tasks:
        ada.act("task.done", task, note="done")
    for report in re.findall(r'name="subject" value="(O-[0-9a-f]+|P-[0-9a-f]+)"', page):
        ada.act("report.file", report, text="the river is over its banks")
    ben.act("incident.stand_down", incident["id"], reason="the water is back")
    ada.act("warning.cancel", warning, reason="the water is back")
    (lifting,) = warnings(ada, status="draft", change="cancel")
    ada.act("warning.submit", lifting["id"], reason="over")
    ben.act("warning.approve", lifting["id"], reason="over")
    wait(lambda: len(list((site.folder / "site" / "feed").glob("*.cap.xml"))) == 2)

    service.push(site.secret, [stage(1.0)])
    ada.act("assessment.finalise", risk["id"], reason="closed")
    thread = ada.get(f"/v1/risks/{risk['id']}")
    assert thread["incidents"][0]["status"] == "stood_down"
    assert thread["reviews"][0]["risk"] == risk["id"]

    explained = ada.get(f"/v1/explain/{warning}")
    assert explained["same"], [check for check in explained["recomputed"] if not check["same"]]


def test_pushes_of_either_kind_are_taken_in_once(site: Site) -> None:
    service = site.service
    sink = io.BytesIO()
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    table = pa.table(
        {
            "indicator": ["stage", "stage"],
            "place": ["x/b", "x/nowhere"],
            "at": pa.array([at, at], pa.timestamp("us", "UTC")),
            "value": [1.5, 1.5],
            "unit": ["m", "m"],
        }
    )
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    arrow = "application/vnd.apache.arrow.stream"
    first = service.push(site.secret, sink.getvalue(), arrow).json()
    assert (first["accepted"], first["repeated"], len(first["quarantined"])) == (1, 0, 1)
    again = service.push(site.secret, sink.getvalue(), arrow).json()
    assert (again["accepted"], again["repeated"], again["quarantined"]) == (0, 1, first["quarantined"])
    revised = service.push(site.secret, [{**stage(1.6, "x/b")}]).json()
    assert (revised["accepted"], revised["repeated"]) == (1, 0)
    ada = Person(service.url, "ada")
    assert "x/nowhere" in ada.page("/quarantine")


def test_what_a_pusher_does_wrong_is_told_as_a_problem(site: Site) -> None:
    service = site.service
    assert service.push("not-a-key", []).status_code == 401
    answer = service.push(site.secret, b"{", "text/plain")
    assert answer.status_code == 415
    answer = httpx2.post(
        f"{service.url}/v1/observations?source=nobody",
        headers={"Authorization": f"Bearer {site.secret}"},
        json=[],
    )
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "gauges" in answer.json()["detail"]


def test_a_form_without_its_proof_changes_nothing(site: Site) -> None:
    ada = Person(site.service.url, "ada")
    before = ada.get("/v1/health")["entries"]
    answer = ada.client.post("/act", data={"act": "handover", "subject": "", "to": "ben", "note": "quiet"})
    assert answer.status_code == 403
    assert ada.get("/v1/health")["entries"] == before
    ada.act("handover", "", to="ben", note="quiet")
    assert ada.get("/v1/health")["entries"] == before + 1


def test_while_it_serves_others_may_read_and_set_passwords_but_not_write(site: Site, tmp_path: Path) -> None:
    home = str(site.folder / "site")
    second = anlan("serve", home)
    assert second.returncode == 2
    assert "another process writes in this workspace" in second.stderr
    file = tmp_path / "more.json"
    file.write_text(json.dumps([stage(1.0, "x/c")]))
    refused = anlan("ingest", "gauges", str(file), "--workspace", home)
    assert refused.returncode == 2
    assert "console or API" in refused.stderr
    assert anlan("audit", "verify", home).returncode == 0
    listed = anlan("account", "list", "--workspace", home)
    assert "can sign in" in listed.stdout
    looked = anlan("doctor", home, "--json")
    found = json.loads(looked.stdout)
    # this site has named no key for the secrets of its authenticators, and nothing else is amiss
    assert (looked.returncode, found["served"]) == (1, True)
    assert ["kept without a seal" in fault for fault in found["faults"]] == [True]
    risk = Person(site.service.url, "ada").get("/v1/risks")[0]["id"]
    assert anlan("explain", risk, "--workspace", home).returncode == 0
