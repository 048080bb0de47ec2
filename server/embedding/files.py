"""The files that a manifest names: are they there, and are they the ones it means?"""

import hashlib
from pathlib import Path

from server.embedding.manifest import Manifest
from server.errors import ModelError


def digests(manifest: Manifest) -> dict[str, str]:
    """Every file that the manifest names, with its SHA-256; the graphs first."""
    text, image = manifest.text, manifest.image
    return {
        text.file: text.sha256,
        image.file: image.sha256,
        text.tokenizer: text.tokenizer_sha256,
        **manifest.files,
    }


def sizes(manifest: Manifest) -> dict[str, int]:
    """Bytes of each file that the manifest names."""
    return {name: (manifest.folder / name).stat().st_size for name in digests(manifest)}


def missing_files(manifest: Manifest) -> list[str]:
    """Names of the manifest's files that are not in its folder."""
    text, image = manifest.text, manifest.image
    names = (text.file, text.tokenizer, image.file, *manifest.files)
    return [name for name in names if not (manifest.folder / name).is_file()]


def check_further_files(manifest: Manifest) -> None:
    """Compare the files beside the graphs, such as weights kept outside them, with their digests. Raises ModelError."""
    for name, sha256 in manifest.files.items():
        check_digest(manifest.folder / name, sha256)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits (about 1 ms a megabyte). Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_digest(path: Path, sha256: str) -> None:
    """Compare a file with the digest in the manifest (about 1 ms a megabyte). Raises ModelError.

    A half-copied graph may still load and then fill the index with wrong vectors.
    """
    try:
        found = sha256_of(path)
    except FileNotFoundError as exc:
        raise ModelError(
            f'{path.name} is missing in the model folder "{path.parent.name}". Install the model again.',
            path=str(path),
        ) from exc
    except OSError as exc:
        raise ModelError(f"{path.name} cannot be read: {exc.strerror}.", path=str(path)) from exc
    if found != sha256:
        raise ModelError(
            f'{path.name} in the model folder "{path.parent.name}" is not the file that manifest.toml describes '
            "(its SHA-256 differs). It is damaged or of another revision: install the model again.",
            path=str(path),
            expected=sha256,
            found=found,
        )
