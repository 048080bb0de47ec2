"""API keys: making, listing, revoking and checking them.

A key is 256 random bits, so its plain SHA-256 is kept: nobody can try all keys, which is what a slow hash is for where
people choose a password. Every call runs in the caller's transaction.
"""

import datetime
import hashlib
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg

from server.db.named_sql import load
from server.errors import Conflict, InvalidInput, NotFound
from server.staff.accounts import NAME
from server.staff.audit import record

SQL = load(__file__, "keys.sql")
FORM = re.compile(r"vk_[A-Za-z0-9_-]{43}")
# So many characters are kept to recognise a key by, seven of them random: 214 bits are left to guess.
SHOWN = 10


class Scope(StrEnum):
    """What a key may do; each may do what those before it may."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def may(self, needed: "Scope") -> bool:
        """Whether this scope is enough where `needed` is asked for."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True)
class ApiKey:
    """beginning: its first characters, for people. The key itself is known to whoever it was made for."""

    id: int
    name: str
    beginning: str
    scope: Scope
    made_by: str
    made_at: datetime.datetime
    last_used_at: datetime.datetime | None
    revoked_at: datetime.datetime | None


def add_key(connection: psycopg.Connection, name: str, scope: Scope, actor: str) -> tuple[ApiKey, str]:
    """A new key, and its text, which nobody can tell later. Raises InvalidInput, Conflict where the name is taken."""
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        raise InvalidInput(
            "A name has letters, digits and . _ @ + -, at most 100, and begins with a letter or a digit."
        )
    text = "vk_" + secrets.token_urlsafe(32)
    values = {"name": name, "scope": scope, "made_by": actor, "beginning": text[:SHOWN], "sha256": _hash(text)}
    row = connection.execute(SQL["add"], values).fetchone()
    if row is None:
        raise Conflict(f"There is a key {name} already. Revoke it first, or choose another name.")
    key = _key(row)
    record(connection, actor, "add", f"key/{name}", after=_told(key))
    return key, text


def list_keys(connection: psycopg.Connection) -> list[ApiKey]:
    """By name, those that are revoked last."""
    return [_key(row) for row in connection.execute(SQL["all"])]


def find_key(connection: psycopg.Connection, name: str) -> ApiKey:
    """The key of this name that is not revoked. Raises NotFound."""
    row = connection.execute(SQL["by_name"], {"name": name.strip().lower()}).fetchone()
    if row is None:
        raise NotFound(f"There is no key {name} that could be used. `vitrine keys list` prints all of them.")
    return _key(row)


def revoke_key(connection: psycopg.Connection, key: int, actor: str) -> ApiKey:
    """From now on no request is let in by it. Raises NotFound where there is no such key, or it was revoked before."""
    row = connection.execute(SQL["revoke"], {"id": key}).fetchone()
    if row is None:
        raise NotFound("There is no such key, or it was revoked already.")
    revoked = _key(row)
    record(connection, actor, "revoke", f"key/{revoked.name}", before=_told(revoked))
    return revoked


def check_key(connection: psycopg.Connection, text: str) -> ApiKey | None:
    """The key that this is, revoked or not; None where it is none."""
    row = connection.execute(SQL["by_hash"], {"sha256": _hash(text)}, prepare=True).fetchone()
    return None if row is None else _key(row)


def _told(key: ApiKey) -> dict[str, Any]:
    return {"id": key.id, "beginning": key.beginning, "scope": key.scope}


def _key(row: tuple[Any, ...]) -> ApiKey:
    number, name, beginning, scope, *rest = row
    return ApiKey(number, name, beginning, Scope(scope), *rest)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
