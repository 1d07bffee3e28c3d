"""One-time codes: what a person who approves may rely on, and what nobody gets away with."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher

from anlan.model.errors import InvalidValue, NotAllowed, NotFound, StoreUnavailable
from anlan.store.accounts import FREE_FAILURES, Accounts
from anlan.store.sealing import SHORTEST_KEY, new_key
from anlan.store.second_factor import RECOVERY_CODES, Standing, code_at, matching_step

NOW = datetime(2024, 7, 1, 6, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=30)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts.sqlite"


@pytest.fixture
def accounts(file: Path) -> Iterator[Accounts]:
    opened = Accounts(f"sqlite:///{file}", hasher=PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    opened.create("li.wei", "correct horse battery")
    opened.create("wang.fang", "another long password")
    yield opened
    opened.close()


def active(accounts: Accounts, name: str = "li.wei") -> tuple[str, tuple[str, ...]]:
    """(secret, recovery codes) of an authenticator in force since a minute before NOW."""
    secret = accounts.enrol(name, "anlan").secret
    return secret, accounts.confirm_enrolment(name, code_at(secret, NOW - 2 * STEP), NOW - 2 * STEP)


def test_the_codes_are_those_of_rfc_6238() -> None:
    # appendix B, SHA-1, the last six of the eight digits printed there
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in (
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (2000000000, "279037"),
    ):
        at = datetime.fromtimestamp(seconds, UTC)
        assert code_at(secret, at) == code
        assert matching_step(secret, code, at) == seconds // 30


def test_an_authenticator_reads_the_enrolment_and_its_codes_are_taken(accounts: Accounts) -> None:
    assert accounts.second_factor("li.wei").state == "none"
    made = accounts.enrol("li.wei", "anlan 应急")
    assert accounts.second_factor("li.wei").state == "pending"
    device = pyotp.parse_uri(made.uri)
    assert isinstance(device, pyotp.TOTP)
    assert (device.name, device.issuer) == ("li.wei", "anlan 应急")
    codes = accounts.confirm_enrolment("li.wei", device.at(NOW), NOW)
    assert len(set(codes)) == RECOVERY_CODES
    assert accounts.second_factor("li.wei") == Standing("active", RECOVERY_CODES)
    assert accounts.step_up("li.wei", device.at(NOW + STEP), NOW + STEP) == "code"


def test_a_code_is_taken_once_and_none_before_it_any_more(accounts: Accounts) -> None:
    secret, _ = active(accounts)
    code, next_code = code_at(secret, NOW), code_at(secret, NOW + STEP)
    assert accounts.step_up("li.wei", next_code, NOW) == "code"
    for used in (next_code, code):
        with pytest.raises(NotAllowed, match="used before"):
            accounts.step_up("li.wei", used, NOW)
    assert accounts.step_up("li.wei", code_at(secret, NOW + 2 * STEP), NOW + 2 * STEP) == "code"


def test_a_code_fits_one_step_around_its_own_and_no_further(accounts: Accounts) -> None:
    secret, _ = active(accounts)
    for away in (-2, 2):
        with pytest.raises(NotAllowed):
            accounts.step_up("li.wei", code_at(secret, NOW + away * STEP), NOW)
    spaced = code_at(secret, NOW - STEP)
    assert accounts.step_up("li.wei", f" {spaced[:3]} {spaced[3:]} ", NOW) == "code"


def test_the_code_that_confirmed_an_enrolment_approves_nothing(accounts: Accounts) -> None:
    secret = accounts.enrol("li.wei", "anlan").secret
    accounts.confirm_enrolment("li.wei", code_at(secret, NOW), NOW)
    with pytest.raises(NotAllowed):
        accounts.step_up("li.wei", code_at(secret, NOW), NOW)


def test_without_an_authenticator_in_force_there_is_no_step_up(accounts: Accounts) -> None:
    with pytest.raises(NotAllowed, match="no authenticator"):
        accounts.step_up("li.wei", "000000", NOW)
    secret = accounts.enrol("li.wei", "anlan").secret
    with pytest.raises(NotAllowed, match="no authenticator"):
        accounts.step_up("li.wei", code_at(secret, NOW), NOW)
    with pytest.raises(NotAllowed, match="no authenticator"):
        accounts.confirm_enrolment("wang.fang", "000000", NOW)


def test_guesses_are_counted_and_lock_the_codes_but_not_the_sign_in(accounts: Accounts) -> None:
    secret, _ = active(accounts)
    right = code_at(secret, NOW)
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(FREE_FAILURES + 1):
        with pytest.raises(NotAllowed, match="does not fit"):
            accounts.step_up("li.wei", wrong, NOW)
    with pytest.raises(NotAllowed, match="too many"):
        accounts.step_up("li.wei", right, NOW)
    assert accounts.verify("li.wei", "correct horse battery", NOW)
    later = NOW + timedelta(minutes=20)
    assert accounts.step_up("li.wei", code_at(secret, later), later) == "code"


def test_a_recovery_code_stands_in_once_and_for_its_owner_only(accounts: Accounts) -> None:
    _, codes = active(accounts)
    active(accounts, "wang.fang")
    with pytest.raises(NotAllowed):
        accounts.step_up("wang.fang", codes[0], NOW)
    assert accounts.step_up("li.wei", codes[0].lower().replace("-", " "), NOW) == "recovery"
    assert accounts.second_factor("li.wei").recovery == RECOVERY_CODES - 1
    with pytest.raises(NotAllowed):
        accounts.step_up("li.wei", codes[0], NOW)


def test_a_new_enrolment_ends_the_old_one_and_its_recovery_codes(accounts: Accounts) -> None:
    old, codes = active(accounts)
    fresh = accounts.enrol("li.wei", "anlan").secret
    accounts.confirm_enrolment("li.wei", code_at(fresh, NOW), NOW)
    for gone in (code_at(old, NOW + STEP), codes[0]):
        with pytest.raises(NotAllowed):
            accounts.step_up("li.wei", gone, NOW + STEP)


def test_what_is_kept_is_for_its_owner_and_goes_with_the_account(accounts: Accounts, file: Path) -> None:
    _, codes = active(accounts)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert codes[0].replace("-", "").encode() not in file.read_bytes()
    accounts.remove_authenticator("li.wei")
    assert accounts.second_factor("li.wei").state == "none"
    active(accounts)
    accounts.remove("li.wei")
    with pytest.raises(NotFound):
        accounts.enrol("li.wei", "anlan")
    accounts.create("li.wei", "correct horse battery")
    assert accounts.second_factor("li.wei").state == "none"


# ── sealed at rest ───────────────────────────────────────────────────────────────────────────────

OLD, NEW = "old-" + "k" * 43, "new-" + "k" * 43


def reopened(file: Path, *keys: str) -> Accounts:
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    return Accounts(f"sqlite:///{file}", keys=keys, hasher=quick)


def everything(file: Path) -> bytes:
    """What the folder of the database holds, the write-ahead log included."""
    return b"".join(part.read_bytes() for part in file.parent.iterdir())


def test_a_secret_kept_plainly_is_sealed_at_the_next_opening_and_leaves_no_trace(
    accounts: Accounts, file: Path
) -> None:
    secret, _ = active(accounts)
    accounts.close()
    assert secret.encode() in everything(file)
    sealed = reopened(file, NEW)
    assert (sealed.plain(), sealed.reseal(), sealed.reseal()) == (1, (1, ()), (0, ()))
    assert sealed.step_up("li.wei", code_at(secret, NOW), NOW) == "code"
    sealed.close()
    assert secret.encode() not in everything(file)


def test_a_new_secret_is_sealed_from_the_start(accounts: Accounts, file: Path) -> None:
    accounts.close()
    sealed = reopened(file, NEW)
    secret, _ = active(sealed)
    assert sealed.plain() == 0 and sealed.present_code("li.wei", NOW) == code_at(secret, NOW)
    assert secret.encode() not in everything(file)
    sealed.close()


def test_keys_follow_each_other_without_a_new_enrolment(accounts: Accounts, file: Path) -> None:
    accounts.close()
    first = reopened(file, OLD)
    secret, _ = active(first)
    first.close()
    both = reopened(file, NEW, OLD)
    assert both.reseal() == (1, ())
    both.close()
    after = reopened(file, NEW)  # the earlier key has gone
    assert after.step_up("li.wei", code_at(secret, NOW), NOW) == "code"
    after.close()


@pytest.mark.parametrize("keys", [(NEW,), ()])
def test_a_wrong_key_or_none_is_said_and_spoils_nothing(
    keys: tuple[str, ...], accounts: Accounts, file: Path
) -> None:
    accounts.close()
    first = reopened(file, OLD)
    secret, recovery = active(first)
    first.close()
    wrong = reopened(file, *keys)
    assert wrong.reseal() == (0, ("li.wei",))
    with pytest.raises(StoreUnavailable, match="sealed with another key") as told:
        wrong.step_up("li.wei", code_at(secret, NOW), NOW)
    assert OLD not in told.value.sentence() and NEW not in told.value.sentence()
    assert wrong.second_factor("li.wei") == Standing("active", len(recovery))
    again = wrong.enrol("li.wei", "anlan").secret  # a new authenticator is always possible
    wrong.confirm_enrolment("li.wei", code_at(again, NOW), NOW)
    assert wrong.shut() == ()
    wrong.close()


def test_a_secret_moved_to_another_account_does_not_open(accounts: Accounts, file: Path) -> None:
    accounts.close()
    sealed = reopened(file, NEW)
    active(sealed)
    secret, _ = active(sealed, "wang.fang")
    sealed.close()
    with sqlite3.connect(file) as base:
        base.execute(
            "UPDATE authenticator SET secret = (SELECT secret FROM authenticator WHERE name = 'wang.fang')"
        )
    moved = reopened(file, NEW)
    assert moved.shut() == ("li.wei",)
    with pytest.raises(StoreUnavailable, match="was changed where it is kept"):
        moved.step_up("li.wei", code_at(secret, NOW), NOW)
    moved.close()


def test_a_key_too_short_to_be_random_is_refused_and_not_shown(file: Path) -> None:
    with pytest.raises(InvalidValue, match="too short for a key") as told:
        reopened(file, "correct horse battery")
    assert "horse" not in told.value.sentence()
    assert len(new_key()) >= SHORTEST_KEY and new_key() != new_key()
