"""Where the files that travel with the code lie: in a checkout beside `server/`, in a wheel inside it."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_BUNDLED = PACKAGE / "_bundled"
_BASE = _BUNDLED if _BUNDLED.is_dir() else PACKAGE.parent

MIGRATIONS = _BASE / "migrations"
DEFAULT_MODEL = _BASE / "models" / "default"
