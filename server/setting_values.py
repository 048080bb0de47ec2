"""What a setting's value has to be, where that takes more than a line. Each check raises ValueError with a sentence."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from server.errors import SettingError

# Where all processes count together.
SHARED_STORAGES = ("redis", "rediss", "redis+unix")


def check_connection_string(text: str) -> None:
    """A Postgres connection string."""
    try:
        conninfo_to_dict(text)
    except psycopg.Error:
        # The driver's message repeats the string, which may hold a password.
        raise ValueError(
            "this is not a Postgres connection string such as postgresql://user:password@host/database"
        ) from None


def check_rate_limit(text: str) -> None:
    """One or more limits, as Flask-Limiter writes them."""
    # Imported where a limit is set: it takes a tenth of a second.
    from limits import parse_many

    try:
        amounts = [limit.amount for limit in parse_many(text)]
    except ValueError:
        amounts = []
    if not amounts or not all(amounts):
        raise ValueError("Write limits such as 100 per second; 2000 per minute")


def check_rate_limit_storage(address: str) -> None:
    """Where requests are counted. The message does not repeat the address, which may hold a password."""
    scheme = address.partition("://")[0]
    if scheme not in ("memory", *SHARED_STORAGES) or "://" not in address:
        raise ValueError("Write memory://, or the address of a server, such as redis://host:6379")
    if scheme == "memory":
        return
    from limits.errors import ConfigurationError
    from limits.storage import storage_from_string

    try:
        storage_from_string(address)
    except ConfigurationError:
        raise ValueError("This takes the Python package redis. Install vitrine[redis]") from None
    except Exception:
        raise ValueError("This address cannot be read. Write one such as redis://host:6379") from None


def kept_secret(path: Path) -> str:
    """Read the key, making it first if there is none; two processes that start together agree on one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        # A hard link appears whole or not at all, and never replaces a key that another process just made.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    key = path.read_text(encoding="utf-8").strip()
    if len(key) < 16:
        raise SettingError(f"The secret key in {path} is damaged. Delete the file and start again.")
    return key
