"""The original of an installed model, where this machine still has it: its folder, or its commit in the hub's cache."""

import re
from pathlib import Path

from server.embedding.manifest import Manifest
from server.errors import ModelError, NotCached
from server.model_store.checkpoints import check_extra
from server.model_store.hub import cached
from server.model_store.layouts import Layout
from server.model_store.sources import HUB_ID, Fetched, fetch, folder_here, hub_address

_COMMIT = re.compile(r"[0-9a-f]{40}")


def at_hand(manifest: Manifest) -> Fetched | str | None:
    """The original as it was installed, or why it cannot be looked at; None where the manifest names no place."""
    if Path(manifest.source).is_absolute():
        return _folder(manifest)
    if not _is_of_the_hub(manifest):
        return None
    try:
        snapshot = cached(manifest.source, manifest.revision, _check)
    except NotCached as exc:
        return f"not at hand: {exc.message} Give it with --against {manifest.source}."
    except ModelError as exc:
        return f"not at hand: {exc.message}"
    return Fetched(snapshot.folder, snapshot.layout, manifest.source, snapshot.commit)


def fetch_against(source: str, manifest: Manifest) -> Fetched:
    """SOURCE of --against, of the installed commit if it is where the model came from. Raises ModelError."""
    address = hub_address(source)
    same = address == (manifest.source, None) and _is_of_the_hub(manifest)
    return fetch(source, manifest.revision if same else None, _check)


def _is_of_the_hub(manifest: Manifest) -> bool:
    return bool(HUB_ID.fullmatch(manifest.source) and _COMMIT.fullmatch(manifest.revision))


def _folder(manifest: Manifest) -> Fetched | str:
    # Its revision is a digest of what its files held.
    if folder_here(manifest.source) is None:
        return f'not at hand: the folder "{manifest.source}" is not here'
    try:
        fetched = fetch(manifest.source)
    except ModelError:
        fetched = None
    if fetched is None or fetched.revision != manifest.revision:
        return f'not at hand: the folder "{manifest.source}" no longer holds what was installed'
    try:
        _check(fetched.layout)
    except ModelError as exc:
        return f"not at hand: {exc.message}"
    return fetched


def _check(layout: Layout) -> None:
    if layout.converts:
        check_extra()
