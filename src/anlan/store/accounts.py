"""Local accounts: who may sign in, and who is signed in. Kept apart from the journal and from packs.

Passwords are kept as argon2id hashes with the second recommended option of RFC 9106 section 4
(3 passes, 64 MiB, 4 lanes, 128-bit salt, 256-bit tag); a hash made with other parameters is renewed
when its owner next signs in. Length and normalisation follow NIST SP 800-63B section 5.1.1.2, the times
of a session its section 4.2.3.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Column, Connection, ForeignKey, Integer, MetaData, Table, Text, delete, insert, select
from sqlalchemy import update as change

from anlan.formats.values import sha256
from anlan.model.errors import InvalidValue, NotAllowed, NotFound, WrongState
from anlan.model.time import format_instant, parse_instant, utc
from anlan.model.user import SYSTEM
from anlan.store.journal_database import Database
from anlan.store.sealing import Seal
from anlan.store.second_factor import Enrolment, SecondFactor, Standing, code_at
from anlan.store.second_factor import tables as second_factor_tables

SHORTEST = 12
LONGEST = 1_024
FREE_FAILURES = 4
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(minutes=15)
FORGET_FAILURES = timedelta(hours=24)
_TOUCH = timedelta(minutes=1)

_TABLES = MetaData()
_ACCOUNTS = Table(
    "account",
    _TABLES,
    Column("name", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    sqlite_strict=True,
)
# Names are kept as digests here: people type a password into the name's field by mistake.
_FAILURES = Table(
    "failure",
    _TABLES,
    Column("name_digest", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last", Text, nullable=False),
    Column("locked_until", Text),
    sqlite_strict=True,
)
_SESSIONS = Table(
    "session",
    _TABLES,
    Column("token_digest", Text, primary_key=True),
    Column("name", Text, ForeignKey("account.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("opened", Text, nullable=False),
    Column("used", Text, nullable=False),
    sqlite_strict=True,
)
_SECOND = second_factor_tables(_TABLES)


class Accounts:
    """The accounts at `url`. A session ends after `idle` without use and `absolute` after it was
    opened. `keys` seal the secrets of authenticators, the first of them from now on, the others open what
    was sealed before (`reseal` seals that anew). `hasher` only for tests that cannot wait for the real
    parameters."""

    def __init__(
        self,
        url: str,
        *,
        idle: timedelta = timedelta(minutes=30),
        absolute: timedelta = timedelta(hours=12),
        keys: Sequence[str] = (),
        hasher: PasswordHasher | None = None,
        wait: float = 10.0,
    ) -> None:
        self._second = SecondFactor(_SECOND, Seal(keys))
        self._idle = idle
        self._absolute = absolute
        self._hasher = hasher or PasswordHasher(
            time_cost=3, memory_cost=65_536, parallelism=4, hash_len=32, salt_len=16
        )
        # Checked for names nobody has, so that they take as long as the others.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))
        self._database = Database(url, wait=wait)
        try:
            if self._database.file is not None:
                # A folder that is not there is told by the database itself, in its own words.
                with suppress(OSError):
                    self._database.file.touch(mode=0o600)
            self._database.prepare(_TABLES)
        except BaseException:
            self._database.close()
            raise

    def create(self, name: str, password: str) -> None:
        """A new account. InvalidValue for a name or password that will not do; WrongState when the
        name is taken."""
        _check_name(name)
        hashed = self._hash(name, password)
        with self._database.writing("accounts") as connection:
            if _hash_of(connection, name) is not None:
                raise WrongState("the account exists", where="account.name", found=name)
            connection.execute(insert(_ACCOUNTS).values(name=name, hash=hashed))

    def set_password(self, name: str, password: str) -> None:
        """A new password; every session of the account is closed. NotFound, InvalidValue."""
        hashed = self._hash(name, password)
        with self._database.writing("accounts") as connection:
            self._known(connection, name)
            connection.execute(change(_ACCOUNTS).where(_ACCOUNTS.c.name == name).values(hash=hashed))
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.name == name))
            connection.execute(delete(_FAILURES).where(_FAILURES.c.name_digest == _digest(name)))

    def remove(self, name: str) -> None:
        """Take the account away, with its sessions. NotFound."""
        with self._database.writing("accounts") as connection:
            self._known(connection, name)
            connection.execute(delete(_ACCOUNTS).where(_ACCOUNTS.c.name == name))

    def names(self) -> tuple[str, ...]:
        """Every account, by name."""
        with self._database.reading() as connection:
            return tuple(connection.scalars(select(_ACCOUNTS.c.name).order_by(_ACCOUNTS.c.name)))

    def verify(self, name: str, password: str, now: datetime) -> bool:
        """Whether the password is that of the account. After FREE_FAILURES failures in a row each
        further one locks the name, for a time that doubles from FIRST_LOCK up to LONGEST_LOCK, and
        NotAllowed says until when. An unknown name behaves as a known one and takes as long."""
        with self._database.writing("accounts") as connection:
            # Counted before it is checked: guesses in parallel are counted too.
            self._count(connection, name, utc(now, "accounts.now"))
            hashed = _hash_of(connection, name)
        fits = self._fits(hashed or self._nobody, password)
        if hashed is None or not fits:
            return False
        renewed = self._hasher.hash(_secret(password)) if self._hasher.check_needs_rehash(hashed) else None
        with self._database.writing("accounts") as connection:
            if _hash_of(connection, name) != hashed:
                return False
            connection.execute(delete(_FAILURES).where(_FAILURES.c.name_digest == _digest(name)))
            if renewed is not None:
                connection.execute(change(_ACCOUNTS).where(_ACCOUNTS.c.name == name).values(hash=renewed))
        return True

    # -- one-time codes -------------------------------------------------------------------------------

    def second_factor(self, name: str) -> Standing:
        """What the account has of one-time codes."""
        with self._database.reading() as connection:
            return self._second.standing(connection, name)

    def enrol(self, name: str, issuer: str) -> Enrolment:
        """A new secret for an authenticator, in force once `confirm_enrolment` has seen a code of it. The
        caller has made sure that it is the owner who asks. NotFound."""
        with self._database.writing("accounts") as connection:
            self._known(connection, name)
            return self._second.begin(connection, name, issuer)

    def confirm_enrolment(self, name: str, code: str, now: datetime) -> tuple[str, ...]:
        """The authenticator shows that it works; the recovery codes, which are shown this once. NotAllowed
        where the code does not fit, or after too many tries."""
        self._take(name, code, now, pending=True)
        with self._database.writing("accounts") as connection:
            return self._second.activate(connection, name)

    def step_up(self, name: str, code: str, now: datetime) -> str:
        """Who is signed in shows once more who they are: `code` or `recovery`, whichever it was. A code is
        taken once. NotAllowed where there is no authenticator, where the code does not fit or was taken
        before, and while there were too many failures, which are counted as those of passwords are."""
        return self._take(name, code, now, pending=False)

    def _take(self, name: str, code: str, now: datetime, *, pending: bool) -> str:
        instant, counted = utc(now, "accounts.now"), f"code\n{name}"
        with self._database.reading() as connection:
            standing = self._second.standing(connection, name)
        if standing.state != ("pending" if pending else "active"):
            raise NotAllowed(
                "no authenticator is set up for this account",
                where=f"account {name}",
                mend="set one up on the page of your account, or with `anlan account authenticator`",
            )
        with self._database.writing("accounts") as connection:
            self._count(connection, counted, instant)
        with self._database.writing("accounts") as connection:
            proof = self._second.take(connection, name, code, instant, pending=pending)
            if proof:
                mine = _FAILURES.c.name_digest == _digest(counted)
                connection.execute(delete(_FAILURES).where(mine))
        if not proof:
            raise NotAllowed(
                "the one-time code does not fit, or was used before",
                where=f"account {name}",
                mend="wait for the next code of your authenticator",
            )
        return proof

    def remove_authenticator(self, name: str) -> None:
        """The account has no one-time codes any more, and cannot approve. NotFound."""
        with self._database.writing("accounts") as connection:
            self._known(connection, name)
            self._second.remove(connection, name)

    def reseal(self) -> tuple[int, tuple[str, ...]]:
        """Seal with the present key what was kept plainly or under an earlier one: (how many secrets, the
        accounts whose secret no key opens). Nothing is written where nothing is to be done; what stood there
        is overwritten in the file."""
        with self._database.reading() as connection:
            waiting = self._second.to_reseal(connection)
        if not waiting:
            return 0, self.shut()
        with self._database.writing("accounts") as connection:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            found = self._second.reseal(connection)
        with self._database.reading() as connection:
            # the log of the database held the old pages too
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return found

    def shut(self) -> tuple[str, ...]:
        """The accounts whose authenticator's secret none of the keys opens."""
        with self._database.reading() as connection:
            return self._second.shut(connection)

    def plain(self) -> int:
        """How many secrets of authenticators are kept without a seal."""
        with self._database.reading() as connection:
            return self._second.plain(connection)

    def present_code(self, name: str, now: datetime) -> str:
        """What the account's authenticator shows now: for exercises and demonstrations, whose accounts have
        no owner with a device. NotFound where there is none."""
        with self._database.reading() as connection:
            secret = self._second.secret(connection, name)
        if secret is None:
            raise NotFound(
                "no authenticator",
                where="account",
                found=name,
                mend="the user sets one up on the page of the account, or: anlan account authenticator",
            )
        return code_at(secret, now)

    def open_session(self, name: str, now: datetime) -> str:
        """A token of 256 random bits for a user who has been verified. Only its SHA-256 is kept.
        NotFound for an unknown name."""
        token = secrets.token_urlsafe(32)
        at = format_instant(now)
        with self._database.writing("accounts") as connection:
            self._known(connection, name)
            oldest = format_instant(_seconds(now - self._absolute))
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.opened < oldest))
            connection.execute(
                insert(_SESSIONS).values(token_digest=_digest(token), name=name, opened=at, used=at)
            )
        return token

    def session(self, token: str, now: datetime) -> str | None:
        """The name of the user whose session this is; None when it is not one, or no longer."""
        mine = _SESSIONS.c.token_digest == _digest(token)
        with self._database.reading() as connection:
            row = connection.execute(select(_SESSIONS).where(mine)).first()
        if row is None:
            return None
        used = parse_instant(row.used)
        if now - used >= self._idle or now - parse_instant(row.opened) >= self._absolute:
            self.close_session(token)
            return None
        if now - used >= min(_TOUCH, self._idle / 10):
            with self._database.writing("accounts") as connection:
                connection.execute(change(_SESSIONS).where(mine).values(used=format_instant(now)))
        return str(row.name)

    def close_session(self, token: str) -> None:
        """Sign out. A token that is none is no error."""
        with self._database.writing("accounts") as connection:
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.token_digest == _digest(token)))

    def close_sessions(self, name: str) -> int:
        """Sign an account out everywhere; how many sessions were closed."""
        with self._database.writing("accounts") as connection:
            return connection.execute(delete(_SESSIONS).where(_SESSIONS.c.name == name)).rowcount

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def _hash(self, name: str, password: str) -> str:
        _check_password(name, password)
        return self._hasher.hash(_secret(password))

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            fits = self._hasher.verify(hashed, _secret(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
        return fits and len(password) <= LONGEST

    def _known(self, connection: Connection, name: str) -> None:
        if _hash_of(connection, name) is None:
            raise NotFound("no such account", where="account.name", found=name)

    def _count(self, connection: Connection, name: str, now: datetime) -> None:
        """Count a failure, which a success takes back; NotAllowed while the name is locked."""
        mine = _FAILURES.c.name_digest == _digest(name)
        oldest = format_instant(_seconds(now - FORGET_FAILURES))
        connection.execute(delete(_FAILURES).where(_FAILURES.c.last < oldest))
        row = connection.execute(select(_FAILURES).where(mine)).first()
        if row is not None and row.locked_until is not None and now < parse_instant(row.locked_until):
            raise NotAllowed(
                "too many failed attempts",
                where=f"account {name.rpartition(chr(10))[2]}",
                mend=f"try again at {row.locked_until}",
            )
        count = 1 if row is None else row.failures + 1
        over = count - FREE_FAILURES
        lock = None if over < 1 else now + min(LONGEST_LOCK, FIRST_LOCK * 2 ** min(over - 1, 16))
        connection.execute(delete(_FAILURES).where(mine))
        connection.execute(
            insert(_FAILURES).values(
                name_digest=_digest(name),
                failures=count,
                last=format_instant(_seconds(now)),
                locked_until=None if lock is None else format_instant(lock),
            )
        )


def _hash_of(connection: Connection, name: str) -> str | None:
    return connection.scalar(select(_ACCOUNTS.c.hash).where(_ACCOUNTS.c.name == name))


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass"))


def _seconds(instant: datetime) -> datetime:
    """Whole seconds: instants of one length compare as text."""
    return instant.replace(microsecond=0)


def _normal(password: str) -> str:
    """The same password typed on another keyboard is the same bytes (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def _secret(password: str) -> bytes:
    return _normal(password).encode("utf-8", "surrogatepass")


def _check_name(name: str) -> None:
    if not name or name != name.strip() or not name.isprintable() or len(name) > 64:
        raise InvalidValue(
            "not a name for an account",
            where="account.name",
            found=repr(name[:80]),
            expected="1 to 64 printable characters without blanks around them",
        )
    if name.casefold() == SYSTEM.name:
        raise InvalidValue("the name stands for the system itself in the journal", where="account.name")


def _check_password(name: str, password: str) -> None:
    normal = _normal(password)
    if not SHORTEST <= len(normal) <= LONGEST:
        raise InvalidValue(
            "the password is too short or too long",
            where="account.password",
            found=f"{len(normal)} characters",
            expected=f"{SHORTEST} to {LONGEST} characters",
        )
    if normal.casefold() == _normal(name).casefold():
        raise InvalidValue("the password is the name of the account", where="account.password")
