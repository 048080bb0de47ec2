"""A pair of graphs that comes with a manifest.toml of ours: nothing in it is believed before it was looked at."""

import shutil
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from server.embedding.files import check_digest
from server.embedding.manifest import MANIFEST_FILE, Manifest, check_manifest
from server.embedding.tokenizer import load_tokenizer
from server.errors import ModelError
from server.model_store.draft import Draft
from server.model_store.external_data import external_files
from server.model_store.graph_facts import TextFacts
from server.model_store.layouts import Layout
from server.model_store.manifest_file import with_digests
from server.model_store.manifest_graphs import check_graphs
from server.model_store.precision import tower_precision
from server.model_store.unpadded import LEAST_COSINE, LEAST_COSINE_INT8, runs_unpadded

# Names of manifest.toml, and what others call the same.
_PRECISIONS = {"float32": ("fp32", "f32", "float"), "float16": ("fp16", "f16", "half"), "int8": ("uint8",)}


@dataclass(frozen=True)
class SourceManifest:
    """tables: as they stand in the file. files: every file that they name, with its digest where they give one."""

    tables: dict[str, Any]
    files: dict[str, str | None]


def read_source_manifest(path: Path, present: Iterable[str]) -> SourceManifest:
    """Read a manifest as far as the names of its files.

    present: names of what lies beside it. Raises ModelError where a file is missing or is named in no usable way.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ModelError(f"{MANIFEST_FILE} of the source cannot be read as TOML: {exc}.") from exc
    for table in ("text", "image", "files"):
        if not isinstance(tables.get(table, {} if table == "files" else None), dict):
            raise ModelError(f"{MANIFEST_FILE} of the source has no table [{table}] that can be used.")
    text, image = tables["text"], tables["image"]
    named = [
        (text.get("file"), text.get("sha256")),
        (text.get("tokenizer"), text.get("tokenizer_sha256")),
        (image.get("file"), image.get("sha256")),
        *tables.get("files", {}).items(),
    ]
    beside = set(present)
    files: dict[str, str | None] = {}
    for name, sha256 in named:
        if not isinstance(name, str) or "/" in name or "\\" in name or name not in beside:
            raise ModelError(f"{MANIFEST_FILE} of the source names the file {name}, which is not beside it.")
        if not isinstance(sha256, str | None):
            raise ModelError(f"{MANIFEST_FILE} of the source gives {name} a digest that is none.")
        files[name] = sha256 or None
    return SourceManifest(tables, files)


def with_named_files(layout: Layout, folder: Path, present: Iterable[str]) -> Layout:
    """The layout with the files that the manifest in `folder` names, if it is of that kind. Raises ModelError."""
    if layout.name != "manifest":
        return layout
    named = read_source_manifest(folder / MANIFEST_FILE, present).files
    return replace(layout, files=(*layout.files, *(name for name in named if name not in layout.files)))


def draft_with_manifest(folder: Path, name: str, into: Path) -> Draft:
    """Copy the files that the manifest in `folder` names into the folder `into`, and check what it says of them.

    name: what the model is called in errors. Digests that it gives are checked; those that it leaves out are taken from
    the files. Raises ModelError, OSError.
    """
    given = read_source_manifest(folder / MANIFEST_FILE, (path.name for path in folder.iterdir() if path.is_file()))
    for file, sha256 in given.files.items():
        shutil.copyfile(folder / file, into / file)
        if sha256:
            check_digest(folder / file, sha256)
    tables = given.tables | _precision(given.tables)
    manifest = check_manifest(with_digests(tables, into), into, name)
    for graph in (manifest.text.file, manifest.image.file):
        for file in sorted(external_files(into / graph) - given.files.keys()):
            raise ModelError(f"{graph} keeps weights in {file}. Name that file under [files] of {MANIFEST_FILE}.")
    check_graphs(manifest)
    _check_unpadded(manifest)
    left_out = ("golden", "measured", "calibration")
    return Draft(into, {key: value for key, value in tables.items() if key not in left_out})


def _precision(tables: dict[str, Any]) -> dict[str, str]:
    """The precision under the name that Vitrine gives it, where a tower depends on it. Raises ModelError."""
    given = tables.get("precision")
    if not isinstance(given, str) or all(tables[tower].get("precision") for tower in ("text", "image")):
        return {}
    name = next((name for name, others in _PRECISIONS.items() if given.lower() in (name, *others)), None)
    if name is None:
        raise ModelError(
            f'{MANIFEST_FILE} of the source gives the precision "{given[:40]}". Write float32, float16 or int8, or one '
            "of them for each tower, under [text] and [image]."
        )
    return {"precision": name}


def _check_unpadded(manifest: Manifest) -> None:
    """A tower that is run without the padding that it needs would give wrong vectors and no error."""
    spec = manifest.text
    if not spec.causal:
        return
    facts = TextFacts(spec.input, spec.output, spec.mask, manifest.dimension, spec.batch, None)
    encode = load_tokenizer(manifest).encode
    least = LEAST_COSINE if tower_precision(manifest, "text") == "float32" else LEAST_COSINE_INT8
    if not runs_unpadded(manifest.folder / spec.file, facts, encode, spec.pad_id, spec.context_length, least):
        raise ModelError(
            f"{MANIFEST_FILE} of the source says that texts run at their own length (causal = true), but the text "
            "graph gives them other vectors than padded texts, or none. Set causal = false there."
        )
