"""People at the running system: accounts, sessions, one-time codes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from anlan.app.config import Config
from anlan.app.house import RunningHouse
from anlan.channels.manifest import fetch_secret
from anlan.model.errors import InvalidValue, NotAllowed, WrongState
from anlan.model.user import User
from anlan.store.accounts import Accounts
from anlan.store.second_factor import STEP, code_at


def open_accounts(workspace: Path, config: Config) -> Accounts:
    """The accounts of a workspace, with the keys that its settings name for the secrets of authenticators.
    InvalidValue where a key cannot be had or is too short."""
    keys = [
        fetch_secret(key, f"anlan.toml: second_factor_keys[{place}]")
        for place, key in enumerate(config.second_factor_keys)
    ]
    return Accounts(f"sqlite:///{workspace / 'accounts.sqlite'}", keys=keys)


class People:
    """The part of the desk that is about its users; see `anlan.ports.desk.Desk`. Secrets of authenticators
    that are kept plainly, or under an earlier key, are sealed with the present one at the start."""

    def __init__(self, house: RunningHouse) -> None:
        self.house = house
        self.accounts = open_accounts(house.workspace, house.config)
        try:
            self.accounts.reseal()
        except BaseException:
            self.accounts.close()
            raise

    def _account_clock(self) -> datetime:
        """People live by the wall's clock, a replay by its own."""
        return self.house.clock.now() if self.house.config.mode == "live" else _wall()

    def second_factor(self, user: User) -> tuple[str, int]:
        standing = self.accounts.second_factor(user.name)
        return standing.state, standing.recovery

    def enrol(self, user: User, password: str, code: str = "") -> tuple[str, str]:
        now = self._account_clock()
        if not self.accounts.verify(user.name, password, now):
            raise NotAllowed("the password does not fit", where="account")
        if self.accounts.second_factor(user.name).state == "active":
            self.accounts.step_up(user.name, code, now)
        made = self.accounts.enrol(user.name, f"anlan {self.house.pack.id}")
        return made.secret, made.uri

    def confirm_enrolment(self, user: User, code: str) -> tuple[str, ...]:
        return self.accounts.confirm_enrolment(user.name, code, self._account_clock())

    def sign_in(self, name: str, password: str) -> str:
        now = self._account_clock()
        if not self.accounts.verify(name, password, now) or name not in self.house.pack.users:
            raise NotAllowed("name or password do not fit", where="sign-in")
        return self.accounts.open_session(name, now)

    def user(self, token: str) -> User | None:
        now = self._account_clock()
        name = self.accounts.session(token, now)
        return self.house.pack.users.get(name) if name else None

    def sign_out(self, token: str) -> None:
        self.accounts.close_session(token)

    def set_password(self, name: str, password: str) -> None:
        """Make or change a local account for a user of the pack."""
        if name not in self.house.pack.users:
            raise InvalidValue(
                "the pack has no such user",
                where="account",
                found=name,
                expected=", ".join(sorted(self.house.pack.users)),
            )
        if name in self.accounts.names():
            self.accounts.set_password(name, password)
        else:
            self.accounts.create(name, password)

    def lend_authenticator(self, name: str) -> None:
        """One-time codes for a user of a demonstration, who has no device: `anlan account code` shows them.
        WrongState in a live workspace."""
        if self.house.config.mode == "live":
            mode = self.house.config.mode
            raise WrongState("nobody is lent an authenticator here", where="account", found=mode)
        lend_authenticator(self.accounts, name, self.house.pack.id, _wall())


def lend_authenticator(accounts: Accounts, name: str, pack: str, now: datetime) -> None:
    """An authenticator in force for an account that has none and whose user has no device; whoever calls this
    has made sure that nothing real can be approved with it."""
    if accounts.second_factor(name).state != "active":
        secret = accounts.enrol(name, f"anlan {pack}").secret
        # the code of the step before, so that the present one is still good for an approval
        accounts.confirm_enrolment(name, code_at(secret, now - timedelta(seconds=STEP)), now)


def _wall() -> datetime:
    from anlan.app.clock import WallClock

    return WallClock().now()
