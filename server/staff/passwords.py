"""Passwords: what is one, and how it is kept and compared (Argon2id, RFC 9106)."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from server.errors import InvalidInput

SHORTEST, LONGEST = 12, 200

# Of a password that somebody reads to somebody else: no letter that looks like a digit or like another one.
_CLEAR = "abcdefghjkmnpqrstuvwxyz23456789"

_hasher = PasswordHasher()


def check_rule(password: str, name: str) -> None:
    """Raises InvalidInput where it is too short or too long, or the account's own name."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}.")
    if password.casefold() == name.casefold():
        raise InvalidInput("The password may not be the name of the account.")


def make_one_time() -> str:
    """A one-time password: 79 random bits in four groups that can be read out on the telephone."""
    return "-".join("".join(secrets.choice(_CLEAR) for _ in range(4)) for _ in range(4))


def hash_password(password: str) -> str:
    """With a salt of its own."""
    return _hasher.hash(password)


def is_right(password: str, password_hash: str | None) -> bool:
    """Whether the hash is of this password. Without one it takes as long and is wrong, so that nobody learns names."""
    try:
        return _hasher.verify(password_hash or _of_nobody(), password) and password_hash is not None
    except VerificationError:
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with weaker parameters than a new one would be."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _of_nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))
