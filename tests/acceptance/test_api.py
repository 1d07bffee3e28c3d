"""The HTTP API: what a program may rely on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from desk import PASSWORD, RISK, MemoryDesk
from deskpack import outlines
from deskserver import application, form_token, served, sign_in
from litestar.testing import TestClient

from anlan.model.errors import InvalidValue
from anlan.web.session import Keys

KEY = "a-long-key-of-a-machine"
ROWS = [{"indicator": "covid-cases", "place": "cn/110000", "value": 3}, {"indicator": "nonsense"}]


@pytest.fixture
def desk(tmp_path: Path) -> MemoryDesk:
    return MemoryDesk(outlines(tmp_path))


@pytest.fixture
def client(desk: MemoryDesk) -> Iterator[TestClient[Any]]:
    keys = Keys({"hospital": hashlib.sha256(KEY.encode()).hexdigest()})
    with TestClient(application(desk, keys)) as client:
        yield client


def bearer(desk: MemoryDesk, name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {desk.sign_in(name, PASSWORD)}"}


def test_health_needs_no_login(client: TestClient[Any], desk: MemoryDesk) -> None:
    body = client.get("/v1/health").json()
    assert body == {
        "alive": True,
        "mode": "live",
        "now": "2020-06-16T06:00:00Z",
        "entries": desk.state().head,
    }


def test_a_risk_is_read_with_its_whole_thread(client: TestClient[Any], desk: MemoryDesk) -> None:
    body = client.get(f"/v1/risks/{RISK}", headers=bearer(desk, "chen.approver")).json()
    assert body["risk"]["id"] == RISK
    assert [finding["level"] for finding in body["findings"]] == [4, 3, 2]
    assert [step["seq"] for step in body["steps"]] == sorted(step["seq"] for step in body["steps"])
    assert {warning["risk"] for warning in body["warnings"]} == {RISK}


def test_lists_are_paged_by_id(client: TestClient[Any], desk: MemoryDesk) -> None:
    who = bearer(desk, "chen.approver")
    everything = [risk["id"] for risk in client.get("/v1/risks", headers=who).json()]
    first = client.get("/v1/risks", params={"limit": 1}, headers=who).json()[0]["id"]
    rest = [risk["id"] for risk in client.get("/v1/risks", params={"after": first}, headers=who).json()]
    assert [first, *rest] == everything == sorted(everything)
    submitted = client.get("/v1/warnings", params={"status": "submitted"}, headers=who).json()
    assert {warning["status"] for warning in submitted} == {"submitted"}


def test_sources_never_heard_are_listed_as_such(client: TestClient[Any], desk: MemoryDesk) -> None:
    body = client.get("/v1/sources", headers=bearer(desk, "ma.viewer")).json()
    assert {source["id"]: source["status"] for source in body}["sewage"] == "never"


def test_observations_are_taken_once_and_the_unusable_is_quarantined(
    client: TestClient[Any], desk: MemoryDesk
) -> None:
    who = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    address = "/v1/observations?source=hospital-push"
    first = client.post(address, content=json.dumps(ROWS), headers=who)
    assert first.status_code == 202
    assert first.json()["accepted"] == 1 and len(first.json()["quarantined"]) == 1
    assert client.post(address, content=json.dumps(ROWS), headers=who).json()["repeated"] == 1
    assert any(item.id == first.json()["quarantined"][0] for item in desk.quarantined())


def test_a_machines_key_may_push_and_nothing_else(client: TestClient[Any]) -> None:
    who = {"authorization": f"Bearer {KEY}"}
    assert client.get("/v1/risks", headers=who).status_code == 403
    assert client.get("/", headers=who).status_code == 403
    assert client.get("/v1/risks", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_a_push_with_a_cookie_needs_the_proof_of_our_own_page(client: TestClient[Any]) -> None:
    sign_in(client, "li.duty")
    address, body = "/v1/observations?source=hospital-push", json.dumps(ROWS)
    plain = {"content-type": "application/json"}
    assert client.post(address, content=body, headers=plain).status_code == 403
    token = form_token(client.get("/").text)
    assert client.post(address, content=body, headers={**plain, "x-csrf-token": token}).status_code == 202


@pytest.mark.parametrize(
    ("content", "kind", "source", "status", "code"),
    [
        ("{", "application/json", "hospital-push", 422, "bad_input"),
        ("[]", "text/csv", "hospital-push", 415, "request"),
        ("[]", "application/json", "nobody", 404, "not_found"),
        ("[" + " " * 1_100_000 + "]", "application/json", "hospital-push", 413, "hostile"),
        ("[" + " " * 34_000_000 + "]", "application/json", "hospital-push", 413, "too_large"),
    ],
)
def test_a_push_that_cannot_be_taken_says_why(
    client: TestClient[Any], content: str, kind: str, source: str, status: int, code: str
) -> None:
    answer = client.post(
        "/v1/observations",
        params={"source": source},
        content=content,
        headers={"authorization": f"Bearer {KEY}", "content-type": kind},
    )
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:anlan:problem:{code}")
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_problems_are_told_in_the_readers_language(client: TestClient[Any], desk: MemoryDesk) -> None:
    answer = client.get("/v1/risks/none", headers={**bearer(desk, "li.duty")})
    assert answer.json()["title"] == "未找到"
    answer = client.get("/v1/risks", headers={"accept-language": "zh-CN"})
    assert answer.status_code == 401 and answer.json()["title"] == "请先登录"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_explain_gives_the_reasons_of_what_the_reader_may_see(
    client: TestClient[Any], desk: MemoryDesk
) -> None:
    assert client.get("/v1/explain/F-0", headers=bearer(desk, "li.duty")).json()["id"] == "F-0"
    assert client.get("/v1/explain/F-0", headers=bearer(desk, "ma.viewer")).status_code == 403
    assert client.get("/v1/explain/F-99", headers=bearer(desk, "li.duty")).status_code == 404


def test_the_document_is_openapi_3_1_and_names_every_route(client: TestClient[Any]) -> None:
    document = client.get("/v1/schema").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/v1/health",
        "/v1/warnings",
        "/v1/risks",
        "/v1/risks/{id}",
        "/v1/explain/{id}",
        "/v1/sources",
        "/v1/observations",
        "/v1/changes",
        "/v1/in-force",
        "/v1/deliveries/{id}/{what}",
        "/v1/sms-replies",
    }


def test_changes_are_streamed_and_taken_up_where_they_were_left(desk: MemoryDesk) -> None:
    with served(desk) as base, httpx2.Client(base_url=base, timeout=20) as client:
        who = bearer(desk, "li.duty")
        head = desk.state().head
        desk.act(desk.pack.users["li.duty"], "delivery.answer", "D-1", {"answer": "received"})
        with client.stream("GET", "/v1/changes", params={"after": head - 1}, headers=who) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            events = _events(stream, 2)
        assert [event["seq"] for event in events] == [head, head + 1]
        assert events[1]["kind"] == "delivery.answered"
        with client.stream("GET", "/v1/changes", headers={**who, "last-event-id": str(head)}) as stream:
            assert _events(stream, 1)[0]["seq"] == head + 1


def test_changes_of_other_places_are_not_streamed(desk: MemoryDesk) -> None:
    with served(desk) as base, httpx2.Client(base_url=base, timeout=20) as client:
        who = bearer(desk, "ma.viewer")
        with client.stream("GET", "/v1/changes", params={"after": 0}, headers=who) as stream:
            events = _events(stream, 5)
        assert {event["risk"] for event in events} == {"R-xinjiang", ""}


def _events(stream: Any, wanted: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in stream.iter_lines():
        if line.startswith("data: {"):
            found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == wanted:
                break
    return found


def test_a_file_of_keys_is_read_and_a_wrong_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# machines\nhospital {hashlib.sha256(KEY.encode()).hexdigest()}\n", encoding="utf-8")
    assert Keys.read(file).name(KEY) == "hospital"
    assert Keys.read(file).name("other") is None
    file.write_text("hospital secret-in-clear\n", encoding="utf-8")
    with pytest.raises(InvalidValue, match="line 1"):
        Keys.read(file)
