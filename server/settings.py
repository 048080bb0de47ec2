"""Settings: every one is a record of name, default and help, read from the environment or a `.env` file.

`docs/settings.md` lists them all; a test fails if one is missing there.
"""

import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.errors import SettingError
from server.setting_values import check_connection_string, check_rate_limit, check_rate_limit_storage, kept_secret


def default_data_dir() -> Path:
    """`/var/lib/vitrine` for root, else the user's own data folder (`~/.local/share/vitrine` on Linux).

    Root's embedded Postgres runs as another system user, which may not enter `/root`.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/vitrine")
    return Path(platformdirs.user_data_dir("vitrine"))


def cores() -> int:
    """How many this process may use: the machine's, less what its affinity and its control group keep from it."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            allowed = min(allowed, max(1, round(int(quota) / int(period))))
    return allowed


def _setting(name: str, default: Any, help_text: str, **constraints: Any) -> Any:
    """A field read from the environment variable `name`. A callable default is called at load."""
    if callable(default):
        return Field(default_factory=default, validation_alias=name, description=help_text, **constraints)
    return Field(default=default, validation_alias=name, description=help_text, **constraints)


class Settings(BaseSettings):
    """All settings, validated once at start. Unknown variables are ignored; a bad value refuses to start."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: SecretStr | None = _setting(
        "DATABASE_URL",
        None,
        "Postgres to use, e.g. postgresql://user:password@host/database. Absent: an embedded Postgres in the "
        "data directory.",
    )
    data_dir: Path = _setting(
        "VITRINE_DATA_DIR",
        default_data_dir,
        "Folder for the embedded database, product pictures, installed models and the secret key.",
    )
    model: str = _setting(
        "VITRINE_MODEL",
        "default",
        "Embedding model of a database that has none yet: `default` (bundled), the name of a folder in "
        "DATA_DIR/models, or a path. Later `vitrine models activate` changes it.",
    )
    given_secret_key: SecretStr | None = _setting(
        "VITRINE_SECRET_KEY",
        None,
        "Signs cursors and sessions. Absent: made once and kept in the data directory, readable by its owner only. "
        "Set it when several servers share a database.",
        min_length=16,
    )
    admin_token: SecretStr | None = _setting(
        "VITRINE_ADMIN_TOKEN",
        None,
        "A key with the scope admin that is not in the database: requests send it as `Authorization: Bearer TOKEN`. "
        "Absent: only keys of `vitrine keys` count.",
        min_length=16,
    )
    api_reads: Literal["open", "keyed"] = _setting(
        "VITRINE_API_READS",
        "open",
        "Who may search and read by the API: `open` (everybody) or `keyed` (who sends a key). The shop's pages stay "
        "open.",
    )
    rate_limit: str | None = _setting(
        "VITRINE_RATE_LIMIT",
        None,
        "How many requests a key, or without one an address, may make, e.g. `100 per second; 2000 per minute`. "
        "Absent: as many as come.",
    )
    rate_limit_storage: str = _setting(
        "VITRINE_RATE_LIMIT_STORAGE",
        "memory://",
        "Where requests are counted: `memory://` (each web process counts its own) or a server that all of them "
        "share, e.g. redis://host:6379.",
        repr=False,
    )
    host: str = _setting("VITRINE_HOST", "127.0.0.1", "Address that the web server listens on.")
    port: int = _setting("VITRINE_PORT", 8000, "Port that the web server listens on.", ge=1, le=65535)
    sql_port: int | None = _setting(
        "VITRINE_SQL_PORT",
        None,
        "Port of 127.0.0.1 at which the embedded Postgres lets analysts in by their password, and the owner never. "
        "Absent: it has no port, and only its socket. docs/sql.md says what for.",
        ge=1024,
        le=65535,
    )
    https: bool = _setting(
        "VITRINE_HTTPS",
        False,
        "Whether the shop is reached over HTTPS: the cookie of those who are logged in is then sent over nothing else.",
    )
    proxies: int = _setting(
        "VITRINE_PROXIES",
        0,
        "How many proxies stand before the server. So many entries of X-Forwarded-For and X-Forwarded-Proto are "
        "believed; with too many, anybody can say that they come from elsewhere.",
        ge=0,
        le=10,
    )
    web_workers: int = _setting(
        "VITRINE_WEB_WORKERS",
        lambda: min(2, cores()),
        "Processes that answer requests. Each opens the model for itself (115 MB for the bundled one); two answer half "
        "as many requests again as one.",
        ge=1,
        le=64,
    )
    web_threads: int = _setting(
        "VITRINE_WEB_THREADS", 4, "Requests that a process answers at the same time, one thread each.", ge=1, le=256
    )
    serve_worker: bool = _setting(
        "VITRINE_SERVE_WORKER",
        True,
        "Whether `vitrine serve` and `vitrine demo` start a worker beside the web server. false where `vitrine worker` "
        "runs for itself.",
    )
    pool_size: int = _setting("VITRINE_POOL_SIZE", 8, "Most database connections that one process opens.", ge=1, le=256)
    execution_provider: Literal["cpu", "cuda", "openvino", "coreml"] = _setting(
        "VITRINE_EXECUTION_PROVIDER",
        "cpu",
        "What the model's towers run on: cpu, cuda, openvino or coreml. One that the installed onnxruntime does not "
        "offer, or cannot start, is refused; the CPU never takes its place unasked.",
    )
    tower_threads: int = _setting(
        "VITRINE_TOWER_THREADS", cores, "Threads that the image tower uses while importing.", ge=1, le=256
    )
    text_threads: int = _setting(
        "VITRINE_TEXT_THREADS",
        1,
        "Threads that the text tower uses for one query. Queries come side by side, so more seldom pay.",
        ge=1,
        le=256,
    )
    memory_arena: bool = _setting(
        "VITRINE_MEMORY_ARENA",
        True,
        "Whether the towers keep the memory of a run for the next one.",
    )
    prepare_threads: int = _setting(
        "VITRINE_PREPARE_THREADS",
        cores,
        "Threads that decode and resize pictures beside the image tower while importing.",
        ge=1,
        le=256,
    )
    query_cache: int = _setting(
        "VITRINE_QUERY_CACHE", 10_000, "Query embeddings that each process remembers.", ge=0, le=10_000_000
    )
    shop_name: str = _setting("VITRINE_SHOP_NAME", "Vitrine", "Name at the top of the shop pages.")
    currency: str = _setting(
        "VITRINE_CURRENCY",
        "USD",
        "The shop's currency (three capital letters): what a price filter speaks of unless it names another, and what "
        "an imported price means where the file does not say. Absent: imports take USD, and price filters speak of the "
        "currency that most products have.",
        pattern=r"^[A-Z]{3}$",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = _setting(
        "VITRINE_CORS_ORIGINS",
        (),
        "Origins whose pages may call the API from a browser, separated by commas; `*` for any.",
    )
    fetch_image_urls: bool = _setting(
        "VITRINE_FETCH_IMAGE_URLS",
        False,
        "Whether an import may download pictures that a file names by http(s) URL. Private addresses are refused.",
    )
    max_image_pixels: int = _setting(
        "VITRINE_MAX_IMAGE_PIXELS",
        50_000_000,
        "Pictures with more pixels are refused before they are decoded.",
        ge=1_000_000,
    )
    max_upload_mb: int = _setting(
        "VITRINE_MAX_UPLOAD_MB", 20, "Largest request body that the server accepts, in megabytes.", ge=1
    )
    max_import_mb: int = _setting(
        "VITRINE_MAX_IMPORT_MB",
        10_000,
        "Largest catalogue that staff may send by the browser, in megabytes. It comes in parts, so "
        "VITRINE_MAX_UPLOAD_MB does not limit it.",
        ge=1,
    )
    search_events_days: int = _setting(
        "VITRINE_SEARCH_EVENTS_DAYS",
        90,
        "Days that searches and clicks are kept, with what was typed; nothing says who it was. 0: none are recorded, "
        "and the worker erases those that are there.",
        ge=0,
        le=3650,
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _setting(
        "VITRINE_LOG_LEVEL",
        "WARNING",
        "How much the server logs, to standard error: DEBUG, INFO (a line for each request), WARNING or ERROR.",
    )
    log_format: Literal["text", "json"] = _setting(
        "VITRINE_LOG_FORMAT",
        "text",
        "What a line of the log is: text for people, or json, an object for programs that collect logs.",
    )
    metrics_token: SecretStr | None = _setting(
        "VITRINE_METRICS_TOKEN",
        None,
        "Token that reads `/metrics`, sent as `Authorization: Bearer TOKEN`. Absent: metrics are told to this machine "
        "alone, and through no proxy.",
        min_length=16,
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _connection_string(cls, value: SecretStr | None) -> SecretStr | None:
        check_connection_string(value.get_secret_value() if value else "")
        return value

    @field_validator("rate_limit")
    @classmethod
    def _rate_limit(cls, value: str | None) -> str | None:
        if value is not None:
            check_rate_limit(value)
        return value

    @field_validator("rate_limit_storage")
    @classmethod
    def _rate_limit_storage(cls, value: str) -> str:
        check_rate_limit_storage(value)
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def fixed_currency(self) -> str | None:
        """The currency that somebody chose for the shop; None where it is left to the catalogue."""
        return self.currency if "currency" in self.model_fields_set else None

    @property
    def image_dir(self) -> Path:
        """Folder of the product pictures."""
        return self.data_dir / "images"

    @property
    def models_dir(self) -> Path:
        """Folder of the installed models, one subfolder each."""
        return self.data_dir / "models"

    @cached_property
    def secret_key(self) -> str:
        """The signing key: the one given, else the one kept in the data directory, made on first use."""
        if self.given_secret_key is not None:
            return self.given_secret_key.get_secret_value()
        path = self.data_dir / "secret_key"
        try:
            return kept_secret(path)
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingError(
                f"The secret key in {path} cannot be read or made. Give the file to this account, or set "
                "VITRINE_SECRET_KEY."
            ) from exc


def variable_names() -> dict[str, str]:
    """Environment variable -> help line, in the order in which docs/settings.md lists them."""
    return {str(field.validation_alias): field.description or "" for field in Settings.model_fields.values()}


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; keyword arguments are environment names that win over the environment.

    Raises SettingError with a sentence that names the variable and says what is wrong.
    """
    try:
        return Settings(**overrides)
    except ValidationError as exc:
        names = {field: str(info.validation_alias) for field, info in Settings.model_fields.items()}
        lines = []
        for error in exc.errors():
            name = names.get(str(error["loc"][0]), str(error["loc"][0])) if error["loc"] else "?"
            problem = error["msg"].removeprefix("Value error, ")
            if error["type"] == "too_short":
                problem = f"Write at least {error.get('ctx', {}).get('min_length')} characters"
            lines.append(f"{name}: {problem}.")
        raise SettingError("A setting is not valid. " + " ".join(lines)) from exc
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
        raise SettingError(f"The file .env cannot be read: {reason}.") from exc
