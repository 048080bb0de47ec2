"""Where a model comes from: a folder here, or a repository of the Hugging Face hub."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from server.embedding.files import sha256_of
from server.embedding.registry import DEFAULT
from server.errors import ModelError
from server.model_store.hub import download
from server.model_store.layouts import Layout, find_layout
from server.model_store.source_manifest import with_named_files

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Fetched:
    """A source whose files are here. source and revision: as the manifest will tell them."""

    folder: Path
    layout: Layout
    source: str
    revision: str


def model_name(source: str, chosen: str | None) -> str:
    """The name to install under: the chosen one, or the source's own in lower case.

    Raises ModelError where it could not be the name of a folder, or is that of the bundled model.
    """
    base = source.partition("@")[0] if is_hub_id(source) else str(Path(source).expanduser().absolute())
    name = chosen or re.sub(r"[^a-z0-9._-]+", "-", base.rstrip("/").rpartition("/")[2].lower()).strip(".-_")[:64]
    if name == DEFAULT:
        raise ModelError('"default" always means the bundled model. Give another name with --name.')
    if not _SAFE_NAME.fullmatch(name):
        raise ModelError(
            f'"{name}" cannot be the name of a model. Give one with --name: lower-case letters, digits, dots, hyphens '
            "and underscores, at most 64, with a letter or digit first."
        )
    return name


def is_hub_id(source: str) -> bool:
    """Whether SOURCE names a repository of the hub; a folder of that name here comes first."""
    return not Path(source).expanduser().exists() and _HUB_ID.fullmatch(source.partition("@")[0]) is not None


def fetch(source: str, revision: str | None = None) -> Fetched:
    """Find SOURCE (a folder, `owner/name` or `owner/name@revision`) and download what is needed. Raises ModelError."""
    if not is_hub_id(source):
        return _local(Path(source).expanduser(), revision)
    repository, _, pinned = source.partition("@")
    if revision and pinned and revision != pinned:
        raise ModelError(f"SOURCE names the revision {pinned} and --revision another one. Give one of them.")
    snapshot = download(repository, revision or pinned or None)
    return Fetched(snapshot.folder, snapshot.layout, repository, snapshot.commit)


def _local(folder: Path, revision: str | None) -> Fetched:
    if not folder.is_dir():
        raise ModelError(
            f'"{folder}" is neither a folder here nor the id of a model on the hub (owner/name). Look at the spelling.'
        )
    if revision:
        raise ModelError("--revision is for models of the hub; a folder is taken as it is.")
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    layout = with_named_files(find_layout(names), folder, names)
    digest = hashlib.sha256()
    try:
        for name in layout.files:
            digest.update(f"{name} {sha256_of(folder / name)}\n".encode())
    except OSError as exc:
        raise ModelError(f'The files in "{folder}" cannot be read: {exc.strerror}.', folder=str(folder)) from exc
    # A folder has no commit; what its files hold is its revision.
    return Fetched(folder, layout, str(folder.resolve()), f"sha256-{digest.hexdigest()[:12]}")
