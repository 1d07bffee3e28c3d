"""Local accounts: passwords, lockout, sessions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters

from anlan.model.errors import InvalidValue, NotAllowed, NotFound, WrongState
from anlan.store.accounts import FREE_FAILURES, LONGEST_LOCK, Accounts

NOW = datetime(2024, 7, 1, 6, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Counting(PasswordHasher):
    """A real hasher that counts how often it is asked to verify."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.asked = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.asked += 1
        return super().verify(hash, password)


def after(**times: float) -> datetime:
    return NOW + timedelta(**times)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts.sqlite"


@pytest.fixture
def accounts(file: Path) -> Iterator[Accounts]:
    opened = Accounts(f"sqlite:///{file}", hasher=QUICK)
    opened.create("li.wei", PASSWORD)
    yield opened
    opened.close()


def test_the_password_of_an_account_fits_and_no_other(accounts: Accounts) -> None:
    assert accounts.verify("li.wei", PASSWORD, NOW)
    assert not accounts.verify("li.wei", PASSWORD + "!", NOW)
    assert not accounts.verify("li.wei", "", NOW)
    assert not accounts.verify("li.wei", "x" * 100_000, NOW)
    assert not accounts.verify("nobody", PASSWORD, NOW)
    assert accounts.names() == ("li.wei",)


def test_a_password_may_be_chinese_and_typed_in_any_normal_form(accounts: Accounts) -> None:
    accounts.create("王芳", "防汛值班室今夜灯火通明啊,café")
    assert accounts.verify("王芳", "防汛值班室今夜灯火通明啊,cafe\u0301", NOW)
    assert not accounts.verify("王芳", "\ud800", NOW)


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("zhao", "2weak", "found 5 characters; expected 12 to 1024"),
        ("zhao", "x" * 1_025, "found 1025 characters"),
        ("zhao.longname", "Zhao.LongName", "the password is the name"),
        ("", PASSWORD, r"account\.name"),
        (" zhao", PASSWORD, "without blanks"),
        ("zh\nao", PASSWORD, "printable"),
        ("System", PASSWORD, "stands for the system itself"),
    ],
)
def test_a_name_or_password_that_will_not_do_is_refused(
    accounts: Accounts, name: str, password: str, says: str
) -> None:
    with pytest.raises(InvalidValue, match=says) as refused:
        accounts.create(name, password)
    assert password not in str(refused.value) or password == ""
    assert accounts.names() == ("li.wei",)


def test_a_name_is_given_once(accounts: Accounts) -> None:
    with pytest.raises(WrongState, match="the account exists"):
        accounts.create("li.wei", PASSWORD)
    with pytest.raises(NotFound):
        accounts.set_password("nobody", PASSWORD)
    with pytest.raises(NotFound):
        accounts.open_session("nobody", NOW)
    with pytest.raises(NotFound):
        accounts.remove("nobody")


@pytest.mark.parametrize("name", ["li.wei", "nobody"])
def test_repeated_failures_lock_a_name_for_longer_and_longer(accounts: Accounts, name: str) -> None:
    now = NOW
    for _ in range(FREE_FAILURES):
        assert not accounts.verify(name, "wrong", now)
    waits = []
    for _ in range(8):
        assert not accounts.verify(name, "wrong", now)
        with pytest.raises(NotAllowed, match="try again at 2024-07-01T") as locked:
            accounts.verify(name, PASSWORD, now)
        until = datetime.fromisoformat(locked.value.mend.removeprefix("try again at "))
        waits.append((until - now).total_seconds())
        with pytest.raises(NotAllowed):
            accounts.verify(name, PASSWORD, until - timedelta(seconds=1))
        now = until
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert timedelta(seconds=900) == LONGEST_LOCK
    assert accounts.verify(name, PASSWORD, now) == (name == "li.wei")


def test_a_success_or_a_day_forgets_failures(accounts: Accounts) -> None:
    for _ in range(3):
        for _ in range(FREE_FAILURES):
            assert not accounts.verify("li.wei", "wrong", NOW)
        assert accounts.verify("li.wei", PASSWORD, NOW)
    for _ in range(FREE_FAILURES):
        assert not accounts.verify("li.wei", "wrong", NOW)
    for _ in range(FREE_FAILURES):
        assert not accounts.verify("li.wei", "wrong", after(hours=25))
    assert accounts.verify("li.wei", PASSWORD, after(hours=25))


def test_a_new_password_ends_the_old_one_its_sessions_and_the_lock(accounts: Accounts) -> None:
    token = accounts.open_session("li.wei", NOW)
    for _ in range(FREE_FAILURES + 1):
        accounts.verify("li.wei", "wrong", NOW)
    accounts.set_password("li.wei", "another long password")
    assert accounts.session(token, NOW) is None
    assert accounts.verify("li.wei", "another long password", NOW)
    assert not accounts.verify("li.wei", PASSWORD, NOW)


def test_an_unknown_name_costs_the_same_work_as_a_known_one(file: Path) -> None:
    hasher = Counting()
    accounts = Accounts(f"sqlite:///{file}", hasher=hasher)
    accounts.create("li.wei", PASSWORD)
    assert not accounts.verify("li.wei", "wrong", NOW)
    known = hasher.asked
    assert not accounts.verify("nobody", "wrong", NOW)
    assert hasher.asked == 2 * known == 2
    accounts.close()


def test_passwords_are_kept_as_argon2id_of_rfc_9106_and_renewed_when_older(
    accounts: Accounts, file: Path
) -> None:
    accounts.close()
    strong = Accounts(f"sqlite:///{file}")
    assert strong.verify("li.wei", PASSWORD, NOW)
    strong.close()
    with closing(sqlite3.connect(file)) as connection:
        ((hashed,),) = connection.execute("SELECT hash FROM account").fetchall()
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert extract_parameters(hashed).hash_len == 32
    assert Accounts(f"sqlite:///{file}", hasher=QUICK).verify("li.wei", PASSWORD, NOW)


def test_a_session_lasts_while_it_is_used_and_no_longer_than_a_shift(accounts: Accounts) -> None:
    token = accounts.open_session("li.wei", NOW)
    assert accounts.session(token, after(minutes=29)) == "li.wei"
    assert accounts.session(token, after(minutes=58)) == "li.wei"
    assert accounts.session(token, after(minutes=89)) is None
    assert accounts.session(token, after(minutes=58)) is None
    token = accounts.open_session("li.wei", NOW)
    for quarter in range(1, 48):
        assert accounts.session(token, after(minutes=15 * quarter)) == "li.wei"
    assert accounts.session(token, after(hours=12)) is None


def test_a_session_ends_when_closed_or_its_account_goes(accounts: Accounts) -> None:
    first, second, third = (accounts.open_session("li.wei", NOW) for _ in range(3))
    assert len({first, second, third}) == 3
    accounts.close_session(first)
    accounts.close_session("nonsense")
    assert accounts.session(first, NOW) is None
    assert accounts.session(second, NOW) == "li.wei"
    assert accounts.close_sessions("li.wei") == 2
    fourth = accounts.open_session("li.wei", NOW)
    accounts.remove("li.wei")
    assert accounts.session(fourth, NOW) is None
    assert not accounts.verify("li.wei", PASSWORD, NOW)


def test_the_file_holds_no_secret_and_is_its_owners_alone(accounts: Accounts, file: Path) -> None:
    token = accounts.open_session("li.wei", NOW)
    accounts.verify("my password by mistake", "wrong", NOW)
    accounts.close()
    raw = b"".join(part.read_bytes() for part in file.parent.iterdir())
    for secret in (PASSWORD, token, "my password by mistake"):
        assert secret.encode() not in raw
    assert file.stat().st_mode & 0o077 == 0
    assert len(token) == 43
