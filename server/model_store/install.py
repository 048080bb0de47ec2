"""The folder in which a model is made ready, and the one rename that installs it."""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.errors import ModelError

_PREFIX = ".installing-"
_LOCK = ".lock"


@dataclass(frozen=True)
class Staging:
    """A hidden folder that nobody reads, beside its future place. `install` makes it the model."""

    folder: Path
    target: Path

    def install(self) -> Path:
        """Flush everything to the disk and give the folder its name: the model is there whole or not at all.

        Raises ModelError where a model of that name came between, OSError where the disk fails.
        """
        for path in [*self.folder.iterdir(), self.folder]:
            _flush(path)
        try:
            self.folder.rename(self.target)
        except OSError as exc:
            if exc.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise taken(self.target.name) from exc
            raise
        # Without its lock a folder is a leftover that the next run removes, so the lock goes last.
        (self.target / _LOCK).unlink(missing_ok=True)
        _flush(self.target.parent)
        return self.target


def taken(name: str) -> ModelError:
    """The refusal of a name that exists."""
    return ModelError(
        f'A model "{name}" is installed already. Remove it with `vitrine models remove {name}`, or give another name '
        "with --name."
    )


@contextmanager
def staging(models_dir: Path, name: str) -> Iterator[Staging]:
    """A staging folder for the model `name`, removed at the end unless it was installed.

    What killed runs left behind is removed first. Raises ModelError where the name exists; errors of the disk, whoever
    meets them inside, become a ModelError of one sentence.
    """
    target = models_dir / name
    if target.exists():
        raise taken(name)
    try:
        with hidden_folder(models_dir, name) as folder:
            yield Staging(folder, target)
    except OSError as exc:
        raise disk_error(exc) from exc


@contextmanager
def hidden_folder(models_dir: Path, name: str) -> Iterator[Path]:
    """A folder for the graphs of a model, removed at the end, or by the next that is made if this process is killed.

    Raises OSError.
    """
    check_place(models_dir)
    models_dir.mkdir(parents=True, exist_ok=True)
    folder, lock = _make(models_dir, name)
    try:
        yield folder
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def check_place(models_dir: Path) -> None:
    """Raises ModelError where no model can be kept in that folder, which need not be there yet."""
    try:
        there = next(path for path in (models_dir, *models_dir.parents) if path.exists())
    except OSError as exc:
        raise disk_error(exc) from exc
    if not there.is_dir():
        raise ModelError(
            f'Models are kept in "{models_dir}", but "{there}" is a file. Move it away, or set VITRINE_DATA_DIR to a '
            "folder."
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise ModelError(
            f'Models are kept in "{models_dir}", but this account may not write to "{there}". Give it to this account, '
            "or set VITRINE_DATA_DIR to another folder."
        )


def disk_error(exc: OSError) -> ModelError:
    """What the disk refused, as a sentence that says what to do."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelError(
            "The disk is full, so the model was not installed. Free some space and run the command again."
        )
    reason = exc.strerror or type(exc).__name__
    file = f' ("{exc.filename}")' if exc.filename else ""
    return ModelError(f"The model was not installed, since a file cannot be read or written: {reason}{file}.")


def _make(models_dir: Path, name: str) -> tuple[Path, int]:
    """The folder and its lock, which is let go of however this process ends."""
    with _alone(models_dir):
        _remove_leftovers(models_dir)
        folder = models_dir / f"{_PREFIX}{name}-{secrets.token_hex(4)}"
        folder.mkdir()
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return folder, lock


def _remove_leftovers(models_dir: Path) -> None:
    for folder in models_dir.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            # Killed before it had a lock. No living run is at that point now, see _alone.
            shutil.rmtree(folder, ignore_errors=True)
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # its process lives
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


@contextmanager
def _alone(models_dir: Path) -> Iterator[None]:
    """Keeps out others who make or remove staging folders here, for the moment that it takes."""
    lock = os.open(models_dir / f"{_PREFIX[:-1]}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
