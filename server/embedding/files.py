"""The files that a manifest names: are they there, and are they the ones it means?"""

import hashlib
from pathlib import Path

from server.embedding.manifest import Manifest
from server.errors import ModelError


def missing_files(manifest: Manifest) -> list[str]:
    """Names of the manifest's files that are not in its folder."""
    names = (manifest.text.file, manifest.text.tokenizer, manifest.image.file)
    return [name for name in names if not (manifest.folder / name).is_file()]


def check_digest(path: Path, sha256: str) -> None:
    """Compare a file with the digest in the manifest (about 1 ms a megabyte). Raises ModelError.

    A half-copied graph may still load and then fill the index with wrong vectors.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
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
