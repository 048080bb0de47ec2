"""How the data team connects: the analyst's password, kept like the secret key, and the address with it."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from server.errors import SettingError
from server.setting_values import kept_secret

FILE = "analyst_password"
CONNECT_SECONDS = 10
# What of Vitrine's own address is about Vitrine alone.
_OWN = ("user", "password", "passfile", "application_name", "connect_timeout", "service", "requirepeer", "options")


@dataclass(frozen=True)
class Address:
    """Where and as whom. host: a name, or the folder of a Unix socket. password: None where it is not kept here.

    options: what else a driver has to know, such as sslmode.
    """

    host: str
    port: int
    database: str
    user: str
    password: str | None
    options: dict[str, str]

    @property
    def is_socket(self) -> bool:
        """Whether only programs of this machine reach it."""
        return self.host.startswith("/")

    @property
    def url(self) -> str:
        """As libpq, psql and most drivers take it."""
        user = quote(self.user, safe="")
        if self.password is not None:
            user += ":" + quote(self.password, safe="")
        options = dict(self.options)
        place = "" if self.is_socket else f"{_in_brackets(self.host)}:{self.port}"
        if self.is_socket:
            options |= {"host": self.host} | ({} if self.port == 5432 else {"port": str(self.port)})
        asked = "?" + urlencode(options, quote_via=quote, safe="/") if options else ""
        return f"postgresql://{user}@{place}/{quote(self.database, safe='')}{asked}"

    @property
    def sqlalchemy_url(self) -> str:
        """The same for SQLAlchemy and pandas with psycopg 3."""
        return "postgresql+psycopg" + self.url.removeprefix("postgresql")

    @property
    def conninfo(self) -> str:
        """The same as key=value, which run_psql takes apart."""
        parts = {"host": self.host, "port": str(self.port), "dbname": self.database, "user": self.user, **self.options}
        return make_conninfo("", **parts, **({} if self.password is None else {"password": self.password}))


def address_of(url: str, role: str, password: str | None) -> Address:
    """Vitrine's own connection string, with another role. What it leaves to the environment is Postgres's default."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    options = {name: value for name, value in parts.items() if name not in (*_OWN, "host", "port", "dbname")}
    host = parts.get("host", "localhost")
    port = parts.get("port", "5432").split(",")[0] or "5432"
    return Address(host, int(port), parts.get("dbname", parts.get("user", role)), role, password, options)


def read_password(data_dir: Path) -> str | None:
    """The password that is kept in this data directory; None where none is. Raises SettingError."""
    path = data_dir / FILE
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise _unreadable(path) from exc


def keep_password(data_dir: Path, new: bool = False) -> str:
    """The password that is kept, made where there is none. new: another one in its place. Raises SettingError."""
    path = data_dir / FILE
    try:
        if new:
            path.unlink(missing_ok=True)
        return kept_secret(path)
    except (OSError, UnicodeDecodeError) as exc:
        raise _unreadable(path) from exc


def forget_password(data_dir: Path) -> None:
    """There is nobody any more whose password it would be."""
    (data_dir / FILE).unlink(missing_ok=True)


def is_refused(address: Address) -> bool:
    """Whether Postgres takes the password for a wrong one. Raises nothing: what else is wrong, psql tells as well."""
    try:
        psycopg.connect(address.conninfo, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError as exc:
        return "password authentication failed" in str(exc)
    return False


def _unreadable(path: Path) -> SettingError:
    return SettingError(f"The analyst's password in {path} cannot be read or kept. Give the file to this account.")


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host
