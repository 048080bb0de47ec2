"""Where the processes of one web server keep what they count, so that each of them can tell the sum."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server.errors import SettingError

FOLDER = "metrics"
# Read by prometheus_client when it is imported, in processes that are started after it is set.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_counters(data_dir: Path) -> Iterator[None]:
    """A folder of this server's own while it runs. What servers that were killed have left is removed.

    Each holds a lock on its folder, which the kernel releases however a process ends.
    """
    root = data_dir / FOLDER
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / ".starting").open("a") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            _remove_forgotten(root)
            folder = Path(tempfile.mkdtemp(dir=root))
            lock = _lock(folder)
    except OSError as exc:
        raise SettingError(f"{root} cannot be written ({exc.strerror}). Change its owner or VITRINE_DATA_DIR.") from exc
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _lock(folder: Path) -> int:
    """Raises BlockingIOError where its server runs."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_forgotten(root: Path) -> None:
    for folder in root.iterdir():
        if folder.is_dir():
            with suppress(BlockingIOError):
                os.close(_lock(folder))
                shutil.rmtree(folder, ignore_errors=True)
