"""Accounts: making and changing them, logging in and out.

Every call runs in the caller's transaction unless it says otherwise.
"""

import datetime
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg

from server.db.engine import Database
from server.db.named_sql import load
from server.errors import Conflict, InvalidInput, NotFound, TooManyRequests, Unauthorized
from server.staff import passwords
from server.staff.audit import record

SQL = load(__file__, "staff.sql")
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
COMMAND_LINE = "command line"

# Tries to log in within the window: of a name from an address, from an address, of a name from anywhere. The last is
# large, so that nobody can lock somebody else out with a handful of wrong passwords.
WINDOW_SECONDS = 900
MOST_TRIES = (5, 30, 100)
WRONG = "Name or password is wrong."
# So long a one-time password may lie in somebody's mail.
ONE_TIME_FOR = datetime.timedelta(days=7)


class Role(StrEnum):
    """What an account may do; each role may do what those before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Whether this role is enough where `needed` is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True)
class Account:
    """session_key: stands in the cookie of each session; another one ends them all.

    has_one_time_password: somebody else made it; nothing is open to the account before it has chosen its own.
    """

    id: int
    name: str
    role: Role
    disabled: bool
    session_key: str
    created_at: datetime.datetime
    last_login_at: datetime.datetime | None
    has_one_time_password: bool
    password_set_at: datetime.datetime

    @property
    def opens_until(self) -> datetime.datetime | None:
        """Until when a one-time password opens the page where another one is chosen; None of any other."""
        return self.password_set_at + ONE_TIME_FOR if self.has_one_time_password else None


def add_account(
    connection: psycopg.Connection, name: str, role: Role, password: str, actor: str, one_time: bool = False
) -> Account:
    """A new account. Raises InvalidInput, Conflict where the name is taken.

    one_time: the password opens nothing but the page where another one is chosen.
    """
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        raise InvalidInput(
            "A name has letters, digits and . _ @ + -, at most 100, and begins with a letter or a digit."
        )
    passwords.check_rule(password, name)
    values = {
        "name": name,
        "role": role,
        "password_hash": passwords.hash_password(password),
        "session_key": _new_key(),
        "one_time": one_time,
    }
    row = connection.execute(SQL["add"], values).fetchone()
    if row is None:
        raise Conflict(f"There is an account {name} already.")
    record(connection, actor, "add", f"staff/{name}", after={"role": role, **_told(one_time)})
    return _account(row)


def account_of(connection: psycopg.Connection, number: int) -> Account:
    """The account of this number. Raises NotFound."""
    row = connection.execute(SQL["by_id"], {"id": number}).fetchone()
    if row is None:
        raise NotFound("There is no such account.")
    return _account(row)


def find_account(connection: psycopg.Connection, name: str) -> Account:
    """Raises NotFound."""
    row = connection.execute(SQL["by_name"], {"name": name.strip().lower()}).fetchone()
    if row is None:
        raise NotFound(f"There is no account {name}. `vitrine staff list` prints those that there are.")
    return _account(row)


def list_accounts(connection: psycopg.Connection) -> list[Account]:
    """By name."""
    return [_account(row) for row in connection.execute(SQL["all"])]


def of_session(connection: psycopg.Connection, account: int, session_key: str) -> Account | None:
    """The account of a session; None where the session was ended or the account disabled."""
    row = connection.execute(SQL["by_id"], {"id": account}).fetchone()
    found = None if row is None else _account(row)
    if found is None or found.disabled:
        return None
    return found if secrets.compare_digest(found.session_key.encode(), session_key.encode()) else None


def set_password(
    connection: psycopg.Connection, account: Account, password: str, actor: str, one_time: bool = False
) -> None:
    """A new password; every session of the account ends. Raises InvalidInput. one_time: as of `add_account`."""
    _set_password(connection, account, password, actor, one_time)


def change_own_password(connection: psycopg.Connection, account: Account, password: str) -> None:
    """A new password in place of one that was asked for, of a session; every session of the account ends.

    account: as it was before the password was asked for. Raises InvalidInput, and Conflict where the session has ended
    since: a password that an admin has set meanwhile stays.
    """
    if not _set_password(connection, account, password, account.name, seen=account.session_key):
        raise Conflict(
            "Nothing is changed: your sessions were ended meanwhile, maybe by a new password that an admin has set. "
            "Log in again."
        )


def _set_password(
    connection: psycopg.Connection,
    account: Account,
    password: str,
    actor: str,
    one_time: bool = False,
    seen: str | None = None,
) -> bool:
    """False where the account's session key is not the one that was `seen`."""
    passwords.check_rule(password, account.name)
    hashed = passwords.hash_password(password)
    values = {"id": account.id, "password_hash": hashed, "session_key": _new_key(), "one_time": one_time, "seen": seen}
    if connection.execute(SQL["set_password"], values).fetchone() is None:
        return False
    before, after = _told(account.has_one_time_password), _told(one_time)
    record(connection, actor, "password", f"staff/{account.name}", before or None, after or None)
    return True


def log_out_everywhere(connection: psycopg.Connection, account: Account, actor: str) -> None:
    """Every session of the account ends."""
    connection.execute(SQL["set_session_key"], {"id": account.id, "session_key": _new_key()})
    record(connection, actor, "log out everywhere", f"staff/{account.name}")


def change_role(
    connection: psycopg.Connection, account: Account, actor: str, role: Role | None = None, disabled: bool | None = None
) -> None:
    """What the account may do, and whether it may log in; one that is disabled has no session any more.

    Raises Conflict where nobody could manage accounts then, NotFound where it is gone.
    """
    locked = [_account(row) for row in connection.execute(SQL["lock_with_admins"], {"id": account.id})]
    # As it is behind the lock: somebody may have changed it since it was looked at.
    now = next((one for one in locked if one.id == account.id), None)
    if now is None:
        raise NotFound("There is no such account.")
    before = {"role": now.role, "disabled": now.disabled}
    after = {
        "role": now.role if role is None else role,
        "disabled": now.disabled if disabled is None else disabled,
    }
    if after == before:
        return
    is_last = now.role is Role.ADMIN and not now.disabled and len(locked) == 1
    if is_last and (after["role"] != Role.ADMIN or after["disabled"]):
        raise Conflict(f"{now.name} is the last admin. Make somebody else one first.")
    ends = after["disabled"] and not now.disabled
    connection.execute(SQL["set_role"], {"id": now.id, "session_key": _new_key() if ends else None, **after})
    record(connection, actor, "change", f"staff/{now.name}", before, after)


def log_in(database: Database, name: str, password: str, address: str) -> Account:
    """The account of this name and password, in transactions of its own.

    Raises Unauthorized, which never says which of the two is wrong, or that a one-time password is too old, and
    TooManyRequests.
    """
    name = name.strip().lower()[:100]
    asked = {"name": name, "address": address}
    with database.connection() as connection:
        connection.execute(SQL["note_try"], asked)
        tries = connection.execute(SQL["count_tries"], {**asked, "seconds": WINDOW_SECONDS}).fetchone() or (0, 0, 0)
        row = connection.execute(SQL["password_hash"], {"name": name}).fetchone()
    if any(count > most for count, most in zip(tries, MOST_TRIES, strict=True)):
        raise TooManyRequests("Too many wrong passwords. Wait a quarter of an hour.")
    password_hash = None if row is None else str(row[0])
    if len(password) > passwords.LONGEST or not passwords.is_right(password, password_hash):
        raise Unauthorized(WRONG)
    with database.connection() as connection:
        found = find_account(connection, name)
        if found.disabled:
            raise Unauthorized(WRONG)
        if found.opens_until is not None and found.opens_until < datetime.datetime.now(datetime.UTC):
            raise Unauthorized(f"This one-time password is older than {ONE_TIME_FOR.days} days. Ask for another one.")
        connection.execute(SQL["forget_tries"], asked)
        connection.execute(SQL["logged_in"], {"id": found.id})
        if password_hash is not None and passwords.is_outdated(password_hash):
            hashed = passwords.hash_password(password)
            values = {"id": found.id, "password_hash": hashed, "outdated": password_hash}
            connection.execute(SQL["set_hash"], values)
    return found


def _account(row: tuple[Any, ...]) -> Account:
    number, name, role, *rest = row
    return Account(number, name, Role(role), *rest)


def _told(one_time: bool) -> dict[str, bool]:
    """What the audit log says of a password, which is nothing of most."""
    return {"one_time_password": True} if one_time else {}


def _new_key() -> str:
    return secrets.token_urlsafe(24)
