"""Download from the Hugging Face hub: only the files that are needed, of one commit, each checked.

huggingface_hub does the work, so its settings hold: HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE. Files land in its
cache, where a download that was cut short goes on with the next file that is missing.
"""

import errno
import hashlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.errors import ModelError, NotCached
from server.model_store.layouts import Layout, find_layout, lacking
from server.model_store.source_manifest import with_named_files
from server.model_store.text_files import read_json

if TYPE_CHECKING:
    from huggingface_hub import HfApi

log = logging.getLogger(__name__)

# Files that tell in which folder of the cache a commit lies; every layout has one of them.
_MARKERS = ("config.json", "modules.json", "open_clip_config.json", "manifest.toml")


@dataclass(frozen=True)
class Snapshot:
    """The files of one commit, in a folder that mirrors the repository."""

    folder: Path
    layout: Layout
    commit: str


def download(repository: str, revision: str | None, look: Callable[[Layout], None] = lambda _: None) -> Snapshot:
    """Fetch what the repository's layout needs and check it. Raises ModelError in a sentence for all that can fail.

    look: gets the layout before anything large is downloaded, and may raise ModelError.
    """
    import huggingface_hub
    from huggingface_hub import constants

    name = f"{repository}@{revision}" if revision else repository
    # Each try to connect again is worth a line of the client's log, but not of a person's screen.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    with _sentences(name):
        if constants.HF_HUB_OFFLINE:
            try:
                return cached(repository, revision, look)
            except NotCached as exc:
                raise ModelError(
                    f"HF_HUB_OFFLINE is set and {exc.message} Unset it, or name a folder instead."
                ) from exc
        api = huggingface_hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="vitrine")
        info = api.model_info(repository, revision=revision, timeout=30)
        names = [sibling.rfilename for sibling in info.siblings or []]
        commit = str(info.sha)
        if not info.sha:
            raise ModelError(f"The hub names no commit for {name}. Try again later.")
        layout = find_layout(names, lambda file: read_json(_fetch(api, repository, file, commit)))
        look(layout)
        # The first file is asked for by the revision's own name, which the cache then remembers for work offline.
        _fetch(api, repository, layout.files[0], revision or "main")
        first = _fetch(api, repository, layout.files[0], commit)
        folder = first.parents[len(Path(layout.files[0]).parts) - 1]
        layout = with_named_files(layout, folder, names)
        for file in layout.files[1:]:
            _fetch(api, repository, file, commit)
    return Snapshot(folder, layout, commit)


def _fetch(api: "HfApi", repository: str, file: str, revision: str) -> Path:
    path = Path(api.hf_hub_download(repository, file, revision=revision))
    _check(path, file)
    return path


def _check(path: Path, file: str) -> None:
    """The cache names a file by the digest that the hub announced: SHA-256 if it is large, else git's SHA-1."""
    blob = path.resolve()
    announced = blob.name.lower()
    if not set(announced) <= set("0123456789abcdef") or len(announced) not in (40, 64):
        return
    with blob.open("rb") as stream:
        if len(announced) == 64:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        else:
            git = hashlib.sha1(b"blob %d\0" % blob.stat().st_size, usedforsecurity=False)
            found = hashlib.file_digest(stream, lambda: git).hexdigest()
    if found != announced:
        blob.unlink()
        path.unlink(missing_ok=True)
        raise ModelError(f"{file} did not arrive as the hub announced it (its digest differs). Try again.", found=found)


def cached(repository: str, revision: str | None, look: Callable[[Layout], None] = lambda _: None) -> Snapshot:
    """The model as the cache of downloads holds it; the network is not asked. Raises NotCached, ModelError."""
    from huggingface_hub import try_to_load_from_cache

    name = f"{repository}@{revision}" if revision else repository
    paths = (try_to_load_from_cache(repository, marker, revision=revision) for marker in _MARKERS)
    folder = next((Path(path).parent for path in paths if isinstance(path, str)), None)
    if folder is None:
        raise NotCached(f"{name} is not in the cache of downloads.")
    files = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    try:
        layout = find_layout(files, lambda file: read_json(folder / file))
        layout = with_named_files(layout, folder, files)
    except ModelError as exc:
        raise NotCached(f"of {name} the cache of downloads holds only a part: {lacking(files)} missing.") from exc
    look(layout)
    shards = _shards(folder, layout)
    if not shards <= set(files):
        raise NotCached(f"of {name} the cache of downloads holds only a part: {min(shards - set(files))} is missing.")
    for file in layout.files:
        _check(folder / file, file)
    return Snapshot(folder, layout, folder.name)


def _shards(folder: Path, layout: Layout) -> set[str]:
    """Paths of the files that an index of weights names."""
    indices = [name for name in layout.files if name.endswith(".index.json")]
    maps = [(name.rpartition("/"), read_json(folder / name).get("weight_map")) for name in indices]
    return {
        f"{parts[0]}{parts[1]}{file}" for parts, names in maps if isinstance(names, dict) for file in names.values()
    }


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """Errors of the hub's client, of its HTTP library and of the disk as a ModelError of one sentence."""
    try:
        with warnings.catch_warnings():
            # The client warns of a disk that is nearly full and goes on; what comes of it is said below.
            warnings.simplefilter("ignore")
            yield
    except ModelError:
        raise
    except Exception as exc:
        log.info("Download of %s failed", name, exc_info=exc)
        raise ModelError(_sentence(name, exc)) from exc


def _sentence(name: str, exc: BaseException) -> str:
    from huggingface_hub import errors

    chain = list(_causes(exc))
    if any(isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT) for cause in chain):
        return (
            f"The disk is full, so {name} could not be downloaded. Free some space, or set HF_HOME to a folder on "
            "another disk."
        )
    known: list[tuple[type[BaseException], str]] = [
        (
            errors.GatedRepoError,
            f"{name} is given only to those who asked its owner. Ask on its page, then set HF_TOKEN.",
        ),
        (errors.RevisionNotFoundError, f"The hub has no such revision: {name}. Look at the spelling."),
        (
            errors.RepositoryNotFoundError,
            f"The hub has no model {name}, or it is private. Look at the spelling, or set HF_TOKEN.",
        ),
        (errors.EntryNotFoundError, f"A file of {name} is missing on the hub. Try again, or another revision."),
    ]
    for kind, sentence in known:
        # A file that is neither here nor to be had is told by what stopped the hub from answering.
        if any(isinstance(cause, kind) and not isinstance(cause, errors.LocalEntryNotFoundError) for cause in chain):
            return sentence
    status = next((status for cause in chain if (status := _status(cause)) is not None), None)
    if status == 404:
        return f"The hub has no model {name}. Look at the spelling."
    if status in (401, 403):
        return f"The hub refuses to give {name} (HTTP {status}). Set HF_TOKEN to a token that may read it."
    if status is not None:
        return f"The hub answered with HTTP {status} for {name}. Try again later."
    if any("consistency check" in str(cause).lower() for cause in chain):
        return f"The download of {name} ended before the file did. Run the command again: whole files are kept."
    if any(isinstance(cause, PermissionError) for cause in chain):
        return f"{name} cannot be written to the cache of downloads. Look at the rights of HF_HOME."
    return (
        f"The hub could not be reached, or the download of {name} was cut off. Look at the network and run the command "
        "again: whole files are kept."
    )


def _status(exc: BaseException) -> int | None:
    response: Any = getattr(exc, "response", None)
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
