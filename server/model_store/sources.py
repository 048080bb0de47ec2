"""Where a model comes from: a folder here, or a repository of the Hugging Face hub."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.embedding.files import sha256_of
from server.embedding.registry import DEFAULT
from server.errors import ModelError
from server.model_store.hub import download
from server.model_store.layouts import Layout, find_layout
from server.model_store.source_manifest import with_named_files
from server.model_store.text_files import read_json

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_HUB_PAGE = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([^/?#]+/[^/?#]+)(?:/tree/([^/?#]+))?/?")
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

# Of what somebody typed, in a sentence.
_SHOWN = 200


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
    _refuse_empty(source)
    address = hub_address(source)
    base = str((folder_here(source) or Path(source)).absolute()) if address is None else address[0]
    name = chosen or re.sub(r"[^a-z0-9._-]+", "-", base.rstrip("/").rpartition("/")[2].lower()).strip(".-_")[:64]
    if name == DEFAULT:
        raise ModelError('"default" always means the bundled model. Give another name with --name.')
    if not _SAFE_NAME.fullmatch(name):
        raise ModelError(
            f'"{shown(name)}" cannot be the name of a model. Give one with --name: lower-case letters, digits, dots, '
            "hyphens and underscores, at most 64, with a letter or digit first."
        )
    return name


def hub_address(source: str) -> tuple[str, str | None] | None:
    """Repository and revision where SOURCE names the hub: its page there, or an id; a folder of that name comes first.

    None for everything else.
    """
    page = _HUB_PAGE.fullmatch(source)
    if page is None and folder_here(source) is not None:
        return None
    repository, _, revision = (source if page is None else page[1]).partition("@")
    if not HUB_ID.fullmatch(repository):
        return None
    return repository, revision or (page[2] if page is not None else None)


def folder_here(source: str) -> Path | None:
    """What SOURCE names on this machine, a folder or a file; None where there is nothing."""
    try:
        path = Path(source).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, the home of nobody, or no path at all
        return None


def fetch(source: str, revision: str | None = None, look: Callable[[Layout], None] = lambda _: None) -> Fetched:
    """Find SOURCE (a folder, `owner/name` or `owner/name@revision`) and download what is needed. Raises ModelError.

    look: gets the layout before anything large is read, and may raise ModelError.
    """
    _refuse_empty(source)
    address = hub_address(source)
    if address is None:
        return _local(source, revision, look)
    repository, pinned = address
    if revision and pinned and revision != pinned:
        raise ModelError(f"SOURCE names the revision {pinned} and --revision another one. Give one of them.")
    snapshot = download(repository, revision or pinned, look)
    return Fetched(snapshot.folder, snapshot.layout, repository, snapshot.commit)


def shown(words: str) -> str:
    """What somebody typed, as a sentence can hold it: not endless, and printable."""
    words = words.encode("utf-8", "replace").decode("utf-8")
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}..."


def _refuse_empty(source: str) -> None:
    if not source.strip():
        raise ModelError("SOURCE is empty. Name a folder, or a model of the hub (owner/name).")


def _local(source: str, revision: str | None, look: Callable[[Layout], None]) -> Fetched:
    folder = folder_here(source)
    if folder is None:
        raise ModelError(
            f'"{shown(source)}" is neither a folder here nor the id of a model on the hub (owner/name). Look at the '
            "spelling."
        )
    if not folder.is_dir():
        raise ModelError(f'"{shown(source)}" is a file, and a model is a folder. Name the folder that holds the model.')
    if revision:
        raise ModelError("--revision is for models of the hub; a folder is taken as it is.")
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    layout = with_named_files(_layout(source, folder, names), folder, names)
    look(layout)
    digest = hashlib.sha256()
    try:
        for name in layout.files:
            digest.update(f"{name} {sha256_of(folder / name)}\n".encode())
    except OSError as exc:
        raise ModelError(f'The files in "{folder}" cannot be read: {exc.strerror}.', folder=str(folder)) from exc
    # A folder has no commit; what its files hold is its revision.
    where = str(folder.resolve()).encode("utf-8", "replace").decode("utf-8")
    return Fetched(folder, layout, where, f"sha256-{digest.hexdigest()[:12]}")


def _layout(source: str, folder: Path, names: list[str]) -> Layout:
    try:
        return find_layout(names, lambda name: read_json(folder / name))
    except ModelError as exc:
        if not HUB_ID.fullmatch(source):
            raise
        raise ModelError(
            f'The folder "{source}" here was looked at, which comes before the model of that name on the hub (for that '
            f"one, give https://huggingface.co/{source}). {exc.message}"
        ) from exc
