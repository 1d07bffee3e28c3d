"""A real `anlan serve` for tests: a process, a small pack, accounts, keys, and people who use it."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import httpx2

from anlan.app.workspace import init
from anlan.store.accounts import Accounts
from anlan.store.second_factor import code_at
from prepared import Command, environment
from sample_pack import FILES, write

PASSWORD = "high tide at noon"

PUSHED = """
[[source]]
id = "gauges"
title = { en = "gauges", zh = "水文站" }
kind = "push"
licence = "CC0-1.0"
attribution = { en = "River board", zh = "河务局" }
stale_after = "PT6H"
dead_after = "P7D"
indicators = ["stage"]
"""
INDICATORS = """
[[indicator]]
id = "stage"
title = { en = "river stage", zh = "水位" }
domain = "water"
unit = "m"
kind = "measure"
direction = "up"
basis = "gauge handbook"
frequency = "PT1H"

[[indicator]]
id = "surge"
title = { en = "storm surge", zh = "风暴潮" }
domain = "water"
unit = "m"
kind = "measure"
direction = "up"
basis = "gauge handbook"
frequency = "PT1H"

[[indicator]]
id = "magnitude"
title = { en = "earthquake magnitude", zh = "地震震级" }
domain = "water"
unit = "{magnitude}"
kind = "event"
direction = "up"
basis = "gauge handbook"
"""
RULE = """
[[rule]]
id = "%s"
title = { en = "high water", zh = "高水位" }
indicator = "%s"
hazard = "flood"
detector = "threshold"
when = "alarm"
measure = "value"
keep = "PT0S"
basis = "act-2010#5"
say = { en = "{place}: {value} {unit}", zh = "{place}：{value} {unit}" }

[rule.params]
limit = 3.0

[[rule.band]]
level = 3
at_least = 3.0
basis = "act-2010#5"
from = 2010-01-01

[[rule.band]]
level = 2
at_least = 4.0
basis = "act-2010#5"
from = 2010-01-01
"""
LEVELS = "".join(
    f"""
[[warning_level]]
level = {n}
colour = {{ en = "{en}", zh = "{zh}" }}
severity = "{severity}"
basis = "act-2010#5"
from = 2010-01-01

[[response_level]]
level = {n}
title = {{ en = "Level {n}", zh = "{n}级响应" }}
basis = "act-2010#6"
from = 2010-01-01
"""
    for n, en, zh, severity in (
        (1, "Red", "红色", "Extreme"),
        (2, "Orange", "橙色", "Severe"),
        (3, "Yellow", "黄色", "Moderate"),
        (4, "Blue", "蓝色", "Minor"),
    )
)
ORGANS = """
[[organ]]
id = "office"
name = { en = "National Office", zh = "国家局" }
place = "x"

[[organ]]
id = "office-a"
name = { en = "Office of Alpha", zh = "甲局" }
place = "x/a"
parent = "office"

[[power]]
organ = "office"
act = "warn"
basis = "act-2010#5"
from = 2010-01-01

[[power]]
organ = "office"
act = "respond"
basis = "act-2010#6"
from = 2010-01-01
"""
RECIPIENT = """
[[recipient]]
id = "{id}"
name = {{ en = "{id}", zh = "{id}" }}
channel = "{channel}"
address = "{address}"
places = ["x"]
hazards = ["flood"]
languages = ["en", "zh"]
answers = {answers}
"""
USERS = "".join(
    f"""
[[user]]
name = "{name}"
organ = "office"
language = "en"
"""
    + "".join(f'\n[[user.grant]]\nrole = "{role}"\nplace = "x"\n' for role in roles)
    for name, roles in (("ada", ("duty", "analyst")), ("ben", ("approver", "supervisor", "planner")))
)
RUNG = """
[[plan.rung]]
after = "{after}"
recipients = ["{recipient}"]
"""
CHANNELS = """
[[channel]]
id = "mail"
kind = "smtp"
options = {{ host = "127.0.0.1", port = {mail}, security = "none", sender = "office@tiny.invalid" }}

[[channel]]
id = "hook"
kind = "webhook"
options = {{ key = {{ file = "{key}" }}, plain_http = true, private_networks = true }}

[addresses]
partner = "{hook}"
"""


def pack(sources: str = PUSHED, rungs: tuple[tuple[str, str], ...] = (("PT1H", "chief"),)) -> dict[str, str]:
    """The sample pack with a push source, mail, webhook and feed, and a ladder."""
    plan = FILES["domains/water/plans.toml"].split("[[plan.rung]]")[0]
    plan = plan.replace('recipients = ["desk"]', 'recipients = ["feed", "desk", "partner"]')
    recipients = (
        ("feed", "feed", "feed", "false"),
        ("desk", "mail", "desk@tiny.invalid", "true"),
        ("partner", "hook", "partner", "false"),
        ("deputy", "mail", "deputy@tiny.invalid", "true"),
        ("chief", "mail", "chief@tiny.invalid", "true"),
    )
    files = {
        **FILES,
        "levels.toml": LEVELS,
        "organs.toml": ORGANS,
        "users.toml": USERS,
        "recipients.toml": "".join(
            RECIPIENT.format(id=i, channel=c, address=a, answers=n) for i, c, a, n in recipients
        ),
        "domains/water/indicators.toml": INDICATORS,
        "domains/water/sources.toml": sources,
        "domains/water/rules.toml": "".join(RULE % (f"high-{i}", i) for i in ("stage", "surge", "magnitude")),
        "domains/water/plans.toml": plan
        + "".join(RUNG.format(after=after, recipient=to) for after, to in rungs),
    }
    for name in ("data/stage.csv", ".hidden"):
        files.pop(name)
    return files


def anlan(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    with TemporaryFile("w+") as typed, TemporaryFile("w+") as printed, TemporaryFile("w+") as complaints:
        typed.write(text)
        typed.seek(0)
        running = Command([*words], stderr=complaints, stdin=typed, stdout=printed)
        running.close()
        ended = running.wait()
        printed.seek(0)
        complaints.seek(0)
        return subprocess.CompletedProcess(words, ended, printed.read(), complaints.read())


def workspace(folder: Path, files: dict[str, str], *, channels: str = "") -> Path:
    """A workspace made as its user makes it: init, passwords."""
    write(folder / "tiny", files)
    home = folder / "site"
    pack = str(folder / "tiny")
    made = anlan("init", str(home), "--pack", pack, "--sender", "office@tiny.invalid", "--port", "0")
    assert made.returncode == 0, made.stderr
    with (home / "anlan.toml").open("a") as settings:
        settings.write(channels)
    for name in ("ada", "ben"):
        done = anlan("account", "set", name, "--workspace", str(home), text=f"{PASSWORD}\n")
        assert done.returncode == 0, done.stderr
    return home


def quick_workspace(folder: Path, files: dict[str, str], *, channels: str = "") -> tuple[Path, str]:
    """The same without the commands, and its push key: for tests of what comes after."""
    write(folder / "tiny", files)
    home = folder / "site"
    init(home, str(folder / "tiny"), sender="office@tiny.invalid", port=0, more=channels)
    accounts = Accounts(f"sqlite:///{home / 'accounts.sqlite'}")
    for name in ("ada", "ben"):
        accounts.create(name, PASSWORD)
    accounts.close()
    secret = "a key for one test"
    (home / "keys").write_text(f"station-1 {hashlib.sha256(secret.encode()).hexdigest()}\n")
    return home, secret


def key(home: Path) -> str:
    """A push key; it must be made before the service starts."""
    made = anlan("account", "key", "station-1", "--workspace", str(home))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def wait(what: Callable[[], Any], seconds: float = 60.0, why: str = "") -> Any:
    """The first true answer of `what`."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, why or "it did not come in time"
        time.sleep(0.05)
    return found


class Service:
    """One `anlan serve` process: forked from one that has read the modules (`program`: as that script runs
    it), or begun from the command line `by_hand`, as its user does."""

    def __init__(self, home: Path, by_hand: bool = False, program: str | Path = "anlan") -> None:
        self.home = home
        self.by_hand = by_hand
        self.program = program
        self.log = home.parent / "serve.log"
        self.url = ""
        self.process: Command | subprocess.Popen[str] | None = None

    def start(self) -> Service:
        words = ["serve", str(self.home)]
        with self.log.open("a") as log:
            if self.by_hand:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "anlan", *words],
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    env=environment(),
                )
            else:
                self.process = Command(words, self.program, stderr=log)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"http://\S+/", said)
        if found is None:
            self.kill()
            raise AssertionError(f"it did not start: {said}{self.log.read_text()}")
        self.url = found[0].rstrip("/")
        return self

    def kill(self) -> None:
        """As power cut or kill -9 would."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def stop(self, seconds: float = 60.0) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=seconds)
        return self.process.wait()

    def __enter__(self) -> Service:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def push(self, secret: str, body: Any, content_type: str = "application/json") -> Any:
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": content_type}
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return httpx2.post(
            f"{self.url}/v1/observations?source=gauges", headers=headers, timeout=60, **content
        )


def approval_codes(accounts: Accounts, name: str) -> list[str]:
    """Codes that approvals of this user take, each once; the account is made where there is none."""
    if name not in accounts.names():
        accounts.create(name, PASSWORD)
    secret, now = accounts.enrol(name, "test").secret, datetime.now(UTC)
    return list(accounts.confirm_enrolment(name, code_at(secret, now), now))


class Person:
    """Somebody at a browser: signs in through the form, acts through forms."""

    def __init__(self, url: str, name: str) -> None:
        self.codes: list[str] = []
        # no connection is kept, so that none is left open
        self.client = httpx2.Client(
            base_url=url, timeout=60, limits=httpx2.Limits(max_keepalive_connections=0)
        )
        token = self._form("/sign-in")
        answer = self.client.post(
            "/sign-in", data={"csrf": token, "name": name, "password": PASSWORD, "next": "/"}
        )
        assert answer.status_code == 303, answer.text

    def _form(self, path: str) -> str:
        page = self.client.get(path)
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
        assert found, f"{path} has no form: {page.status_code}"
        return found[1]

    def act(self, act: str, subject: str, **fields: str) -> None:
        answer = self.do(act, subject, **fields)
        assert answer.status_code == 303, answer.text

    def code(self) -> str:
        """A code that an approval takes, once: the first one sets up an authenticator, as a person does."""
        if not self.codes:
            data = {"csrf": self._form("/account"), "password": PASSWORD}
            page = self.client.post("/account/authenticator", data=data)
            found = re.search(r'id="secret">([A-Z2-7 ]+)<', page.text)
            assert found, page.text
            shown = code_at(found[1].replace(" ", ""), datetime.now(UTC))
            data = {"csrf": self._form("/account"), "code": shown}
            page = self.client.post("/account/authenticator/confirm", data=data)
            self.codes = re.findall(r"<li><code>([A-Z2-7-]+)</code>", page.text)
        return self.codes.pop()

    def do(self, act: str, subject: str, **fields: str) -> Any:
        if act == "warning.approve" and "code" not in fields:
            fields["code"] = self.code()
        data = {"csrf": self._form("/"), "act": act, "subject": subject, "back": "/", **fields}
        return self.client.post("/act", data=data)

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def page(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return str(answer.text)


def hour(back: int = 0) -> str:
    """A full hour of the clock, so many hours ago."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return (now - timedelta(hours=back)).strftime("%Y-%m-%dT%H:%M:%SZ")


def stage(value: float | None, place: str = "x/a", back: int = 0, indicator: str = "stage") -> dict[str, Any]:
    return {"indicator": indicator, "place": place, "at": hour(back), "value": value, "unit": "m"}
