"""One-time codes: what an approver shows besides the password, at the moment of the approval.

TOTP (RFC 6238) over HMAC-SHA-1 with 160 secret bits, 6 digits, steps of 30 s: what every authenticator
takes. A code is good for its own step, the one before and the one after, and once only (section 5.2).
Recovery codes of 50 random bits stand in for a lost device, each once; only their digests are kept. The
secrets lie in the accounts' database, which its owner alone can read (mode 0600), sealed with a key that lies
elsewhere where the settings name one (`anlan.store.sealing`).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy import update as change

from anlan.formats.values import sha256
from anlan.model.errors import StoreUnavailable
from anlan.model.time import format_instant
from anlan.store.sealing import MARK, Seal

STEP = 30  # seconds
DIGITS = 6
#: steps before and after the present one that are taken too (RFC 6238, section 5.2 asks for one at most)
DRIFT = 1
RECOVERY_CODES = 10
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account has: `state` none, pending (made, not yet shown to work) or active; `recovery` codes
    left."""

    state: str
    recovery: int = 0


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new secret, shown once: `secret` in base 32, `uri` (otpauth) as an authenticator reads it from a
    QR code."""

    secret: str
    uri: str


def tables(metadata: MetaData) -> tuple[Table, Table]:
    """(authenticator, recovery code) beside the accounts of `metadata`."""
    authenticators = Table(
        "authenticator",
        metadata,
        Column("name", Text, ForeignKey("account.name", ondelete="CASCADE"), primary_key=True),
        Column("secret", Text, nullable=False),
        Column("active", Integer, nullable=False),
        # the newest step whose code was taken: none at or before it is taken again
        Column("last_step", Integer, nullable=False),
        sqlite_strict=True,
    )
    recovery = Table(
        "recovery_code",
        metadata,
        Column("code_digest", Text, primary_key=True),
        Column("name", Text, ForeignKey("account.name", ondelete="CASCADE"), nullable=False, index=True),
        Column("used", Text),
        sqlite_strict=True,
    )
    return authenticators, recovery


class SecondFactor:
    """The statements on the two `tables`; `anlan.store.accounts` counts the failures around them. `seal`:
    how the secrets are kept."""

    def __init__(self, both: tuple[Table, Table], seal: Seal) -> None:
        self._authenticators, self._recovery = both
        self._seal = seal

    def standing(self, connection: Connection, name: str) -> Standing:
        mine = self._authenticators.c.name == name
        row = connection.execute(select(self._authenticators).where(mine)).first()
        if row is None:
            return Standing("none")
        left = select(func.count()).where(self._recovery.c.name == name, self._recovery.c.used.is_(None))
        return Standing("active" if row.active else "pending", connection.scalar(left) or 0)

    def begin(self, connection: Connection, name: str, issuer: str) -> Enrolment:
        """A fresh secret, pending until a code of it is shown. What was active is gone with it."""
        self.remove(connection, name)
        secret = pyotp.random_base32()
        connection.execute(
            insert(self._authenticators).values(
                name=name, secret=self._seal.close(name, secret), active=0, last_step=-1
            )
        )
        return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer))

    def remove(self, connection: Connection, name: str) -> None:
        connection.execute(delete(self._authenticators).where(self._authenticators.c.name == name))
        connection.execute(delete(self._recovery).where(self._recovery.c.name == name))

    def activate(self, connection: Connection, name: str) -> tuple[str, ...]:
        """In force from now on; the recovery codes, shown once."""
        mine = self._authenticators.c.name == name
        connection.execute(change(self._authenticators).where(mine).values(active=1))
        codes = tuple(_recovery_code() for _ in range(RECOVERY_CODES))
        connection.execute(delete(self._recovery).where(self._recovery.c.name == name))
        connection.execute(
            insert(self._recovery), [{"code_digest": _digest(name, code), "name": name} for code in codes]
        )
        return codes

    def secret(self, connection: Connection, name: str) -> str | None:
        """The secret itself, None where there is none. StoreUnavailable where it cannot be opened."""
        kept = connection.scalar(
            select(self._authenticators.c.secret).where(self._authenticators.c.name == name)
        )
        return None if kept is None else self._seal.open(name, kept)

    def shut(self, connection: Connection) -> tuple[str, ...]:
        """The accounts whose secret cannot be opened."""
        found = []
        rows = select(self._authenticators.c.name, self._authenticators.c.secret)
        for name, kept in connection.execute(rows.order_by(self._authenticators.c.name)).all():
            try:
                self._seal.open(name, kept)
            except StoreUnavailable:
                found.append(str(name))
        return tuple(found)

    def plain(self, connection: Connection) -> int:
        """How many secrets are kept without a seal."""
        kept = connection.scalars(select(self._authenticators.c.secret))
        return sum(not one.startswith(MARK) for one in kept)

    def to_reseal(self, connection: Connection) -> int:
        """How many secrets are not sealed with the present key."""
        kept = connection.scalars(select(self._authenticators.c.secret))
        return sum(not self._seal.current(one) for one in kept)

    def reseal(self, connection: Connection) -> tuple[int, tuple[str, ...]]:
        """Every secret that is kept plainly or with an earlier key, sealed with the present one: (how many,
        the accounts whose secret cannot be opened, which stay as they are)."""
        done, shut = 0, []
        for name, kept in connection.execute(
            select(self._authenticators.c.name, self._authenticators.c.secret)
        ).all():
            try:
                secret = self._seal.open(name, kept)
            except StoreUnavailable:
                shut.append(str(name))
                continue
            if not self._seal.current(kept):
                mine = self._authenticators.c.name == name
                again = self._seal.close(name, secret)
                connection.execute(change(self._authenticators).where(mine).values(secret=again))
                done += 1
        return done, tuple(shut)

    def take(
        self, connection: Connection, name: str, code: str, now: datetime, *, pending: bool = False
    ) -> str:
        """`code` or `recovery` where it fits and was not taken before; "" where it does not. `pending`: of
        an authenticator that has yet to show that it works, else of one in force."""
        mine = self._authenticators.c.name == name
        row = connection.execute(select(self._authenticators).where(mine)).first()
        if row is None or bool(row.active) is pending:
            return ""
        written = "".join(code.split()).upper()
        step = matching_step(self._seal.open(name, row.secret), written, now)
        if step is not None and step > row.last_step:
            connection.execute(change(self._authenticators).where(mine).values(last_step=step))
            return "code"
        if pending or step is not None:
            return ""
        used = (
            change(self._recovery)
            .where(
                self._recovery.c.code_digest == _digest(name, written.replace("-", "")),
                self._recovery.c.name == name,
                self._recovery.c.used.is_(None),
            )
            .values(used=format_instant(now))
        )
        return "recovery" if connection.execute(used).rowcount == 1 else ""


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The step whose code it is, among the present one and its neighbours; None where it is none of them."""
    totp, present = pyotp.TOTP(secret, digits=DIGITS, interval=STEP), int(now.timestamp()) // STEP
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        # every one is compared, whichever fits: the time it takes tells nothing
        if step >= 0 and hmac.compare_digest(
            totp.generate_otp(step).encode(), code.encode("utf-8", "replace")
        ):
            found = step
    return found


def code_at(secret: str, now: datetime) -> str:
    """The code that an authenticator shows at `now`."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP).generate_otp(int(now.timestamp()) // STEP)


def _recovery_code() -> str:
    drawn = "".join(secrets.choice(_BASE32) for _ in range(10))
    return f"{drawn[:5]}-{drawn[5:]}"


def _digest(name: str, code: str) -> str:
    return sha256(f"{name}\n{code.replace('-', '')}".encode("utf-8", "surrogatepass"))
