"""Who gets in, who may do what, and what an attacker's page cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import INCIDENT, PUBLISHED, RISK, SUBMITTED, MemoryDesk
from deskpack import NOW, outlines
from deskserver import application, form_token, sign_in
from litestar.testing import TestClient

from anlan.model.user import ROLES, Grant, User
from anlan.ports.desk import ACTS
from anlan.web.access import READ, ROLES_OF, may
from anlan.web.headers import HEADERS

PUBLIC = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/prefs"),
    ("GET", "/status"),
    ("GET", "/feed/feed.atom"),
    ("GET", "/feed/{file:str}"),
    ("GET", "/static/{file_path:path}"),
    ("HEAD", "/static/{file_path:path}"),
    ("GET", "/v1/health"),
    # what comes from outside brings its own proof: a link's or a receipt's token, a gateway's signature
    ("GET", "/answer/{token:str}"),
    ("POST", "/answer/{token:str}"),
    ("POST", "/v1/deliveries/{id:str}/{what:str}"),
    ("POST", "/v1/sms-replies"),
    ("GET", "/v1/schema"),
    ("GET", "/v1/schema/openapi.json"),
    ("GET", "/v1/schema/{path:str}"),
    ("OPTIONS", "/static/{file_path:path}"),
    ("OPTIONS", "/v1/schema"),
    ("OPTIONS", "/v1/schema/openapi.json"),
    ("OPTIONS", "/v1/schema/{path:str}"),
}
FILLED = {
    "{id:str}": RISK,
    "{number:int}": "0",
    "{token:str}": "x",
    "{what:str}": "read",
    "{file:str}": "x.xml",
    "{file_path:path}": "console.css",
    "{path:str}": "x",
    "{indicator:str}": "covid-cases",
    "{place:path}": "cn/110000",
}


@pytest.fixture
def desk(tmp_path: Path) -> MemoryDesk:
    return MemoryDesk(outlines(tmp_path))


@pytest.fixture
def client(desk: MemoryDesk) -> Iterator[TestClient[Any]]:
    with TestClient(application(desk)) as client:
        yield client


def routes(app: Any) -> list[tuple[str, str]]:
    """Every method and path the application answers to."""
    return sorted(
        {
            (str(method), route.path)
            for route in app.routes
            for handler in route.route_handlers
            for method in handler.http_methods
        }
    )


def test_every_route_not_listed_as_public_refuses_a_stranger(client: TestClient[Any]) -> None:
    found = routes(client.app)
    assert {route for route in found if route in PUBLIC} == PUBLIC
    for method, path in found:
        address = path
        for hole, value in FILLED.items():
            address = address.replace(hole, value)
        answer = client.request(method, address, follow_redirects=False)
        if (method, path) in PUBLIC:
            assert answer.status_code != 401, (method, path)
            continue
        signs_in = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
        assert signs_in or answer.status_code in (401, 403), (method, path, answer.status_code)


def test_every_answer_carries_the_security_headers(client: TestClient[Any]) -> None:
    for path in ("/status", "/sign-in", "/static/console.css", "/nowhere", "/v1/nowhere", "/v1/risks", "/"):
        answer = client.get(path, follow_redirects=False)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (path, name)
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_no_template_holds_inline_script_or_style(root: Path) -> None:
    for template in sorted((root / "src/anlan/web/templates").glob("*.html")):
        text = template.read_text(encoding="utf-8")
        assert "<style" not in text and " style=" not in text and " onclick" not in text, template.name
        assert text.count("<script") == text.count('<script type="module" src='), template.name
        assert "|safe" not in text.replace(" ", ""), template.name
        assert "http://" not in text and "https://" not in text, template.name


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client: TestClient[Any]) -> None:
    answer = sign_in(client, "li.duty")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("anlan_session="))
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Secure" not in cookie
    client.base_url = "https://testserver.local"  # type: ignore[assignment]
    client.cookies.clear()
    cookie = next(
        c for c in sign_in(client, "li.duty").headers.get_list("set-cookie") if c.startswith("anlan_session=")
    )
    assert "Secure" in cookie


def test_a_wrong_password_and_an_unknown_name_get_the_same_words(client: TestClient[Any]) -> None:
    wrong = sign_in(client, "li.duty", "nonsense")
    unknown = sign_in(client, "nobody", "nonsense")
    assert wrong.status_code == unknown.status_code == 403
    assert "name and password do not fit" in wrong.text and "name and password do not fit" in unknown.text


def test_signing_out_ends_the_session(client: TestClient[Any]) -> None:
    sign_in(client, "li.duty")
    token = client.cookies["anlan_session"]
    client.post("/sign-out", data={"csrf": form_token(client.get("/").text)})
    client.cookies.set("anlan_session", token)
    assert client.get("/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("csrf", ["", "0" * 64])
def test_a_form_that_is_not_ours_changes_nothing(
    client: TestClient[Any], desk: MemoryDesk, csrf: str
) -> None:
    sign_in(client, "chen.approver")
    before = desk.state().head
    answer = client.post(
        "/act", data={"csrf": csrf, "act": "warning.approve", "subject": SUBMITTED, "reason": "x"}
    )
    assert answer.status_code == 403
    assert desk.state().head == before


def test_a_form_sent_by_another_site_is_refused_even_with_the_right_token(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    token = form_token(client.get("/").text)
    answer = client.post(
        "/act",
        data={"csrf": token, "act": "warning.approve", "subject": SUBMITTED, "reason": "x"},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert answer.status_code == 403


def test_reading_is_limited_to_the_places_of_the_grants(client: TestClient[Any]) -> None:
    sign_in(client, "ma.viewer")  # Xinjiang only
    assert client.get("/risk/R-xinjiang").status_code == 200
    refused = client.get(f"/risk/{RISK}")
    assert refused.status_code == 403
    assert "您的授权范围不包括" in refused.text
    assert RISK not in client.get("/").text
    assert [risk["id"] for risk in client.get("/v1/risks").json()] == ["R-xinjiang"]


def test_an_act_without_the_role_is_refused_with_the_reason(
    client: TestClient[Any], desk: MemoryDesk
) -> None:
    sign_in(client, "li.duty")
    token = form_token(client.get("/").text)
    answer = client.post(
        "/act", data={"csrf": token, "act": "warning.approve", "subject": SUBMITTED, "reason": "x"}
    )
    assert answer.status_code == 403
    assert "需要以下角色之一：审批人" in answer.text
    assert desk.state().warnings[SUBMITTED].status == "submitted"


def test_an_act_refused_by_law_shows_the_article(client: TestClient[Any], desk: MemoryDesk) -> None:
    own = desk.state().warnings["W-tianjin"]
    desk.pack.users["chen.approver"] = User(
        "chen.approver", "bj-gov", (Grant("approver", "cn"), Grant("duty", "cn"))
    )
    sign_in(client, "chen.approver")
    token = form_token(client.get(f"/warning/{own.id}").text)
    data = {"csrf": token, "subject": own.id, "reason": "x", "back": "/"}
    assert client.post("/act", data={**data, "act": "warning.submit"}).status_code == 200
    refused = client.post("/act", data={**data, "act": "warning.approve"})
    assert refused.status_code == 403
    assert "Emergency Response Law (2024)" in refused.text and "§ 64" in refused.text


def test_a_second_decision_comes_too_late(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    token = form_token(client.get("/").text)
    data = {
        "csrf": token,
        "act": "warning.return",
        "subject": SUBMITTED,
        "reason": "too wide",
        "back": f"/warning/{SUBMITTED}",
    }
    assert "returned to author" in client.post("/act", data=data).text
    assert client.post("/act", data=data).status_code == 409


def test_the_way_back_leads_never_to_another_site(client: TestClient[Any]) -> None:
    for back in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"):
        answer = client.get("/prefs", params={"lang": "zh", "back": back}, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_a_form_beyond_the_limit_is_refused(client: TestClient[Any]) -> None:
    sign_in(client, "li.duty")
    token = form_token(client.get("/").text)
    answer = client.post(
        "/act", data={"csrf": token, "act": "report.file", "subject": "P-next", "text": "x" * 400_000}
    )
    assert answer.status_code == 413


def test_words_from_outside_stay_words(client: TestClient[Any], desk: MemoryDesk) -> None:
    evil = '<script>alert("x")</script>'
    desk.act(desk.pack.users["li.duty"], "delivery.answer", "D-1", {"answer": evil})
    sign_in(client, "li.duty")
    page = client.get(f"/warning/{PUBLISHED}").text
    assert evil not in page and "&lt;script&gt;" in page


def test_only_real_public_messages_are_on_the_public_pages(client: TestClient[Any], desk: MemoryDesk) -> None:
    page, feed = client.get("/status").text, client.get("/feed/feed.atom").text
    assert PUBLISHED in page and PUBLISHED in feed
    for hidden in ("W-exercise", SUBMITTED, "W-tianjin"):
        assert hidden not in page and hidden not in feed
        assert client.get(f"/feed/{hidden}.xml").status_code == 404
    assert client.get(f"/feed/{PUBLISHED}.xml").content == desk.cap(PUBLISHED)


def test_pages_say_unknown_where_it_is_unknown(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    page = client.get(f"/warning/{SUBMITTED}").text
    assert "at least 21,893,095 people" in page and "Population unknown for: Xinjiang" in page
    assert "never heard" in client.get("/").text
    assert client.get(f"/incident/{INCIDENT}").status_code == 200


@pytest.mark.parametrize("act", sorted(ROLES_OF))
@pytest.mark.parametrize("role", ROLES)
def test_access_is_role_by_place_with_a_reason(desk: MemoryDesk, role: str, act: str) -> None:
    user = User("somebody", "bj-gov", (Grant(role, "cn/110000"),))
    inside = may(user, act, ("cn/110106",), pack=desk.pack, at=NOW)
    outside = may(user, act, ("cn/650000",), pack=desk.pack, at=NOW)
    both = may(user, act, ("cn/110000", "cn/650000"), pack=desk.pack, at=NOW)
    assert inside.allowed == (role in ROLES_OF[act])
    assert not outside.allowed
    assert both.allowed == (act == READ)
    assert inside.reason.en and inside.reason.zh


def test_every_act_of_the_desk_has_its_roles_and_no_other_act_is_allowed(desk: MemoryDesk) -> None:
    assert set(ACTS) <= set(ROLES_OF)
    everything = User("root", "", tuple(Grant(role, "cn") for role in ROLES))
    assert not may(everything, "journal.delete", pack=desk.pack, at=NOW).allowed
    assert not may(None, READ, pack=desk.pack, at=NOW).allowed
    assert not may(everything, READ, ("cn/110000",), pack=desk.pack, at=NOW, key=True).allowed
