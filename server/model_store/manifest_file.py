"""The one writer of manifest.toml; server/embedding/manifest.py reads it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.embedding.files import sha256_of
from server.embedding.manifest import MANIFEST_FILE

NUMBERS_A_LINE = 8


def write_manifest(folder: Path, data: Mapping[str, Any]) -> None:
    """Write manifest.toml: plain keys first, then a table for each mapping. A value of None leaves its key out."""
    (folder / MANIFEST_FILE).write_text(toml_text(data), encoding="utf-8")


def with_digests(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same manifest with the SHA-256 of every file that it names, as the files in `folder` are now."""
    text, image = data["text"], data["image"]
    return {
        **data,
        "text": {
            **text,
            "sha256": sha256_of(folder / text["file"]),
            "tokenizer_sha256": sha256_of(folder / text["tokenizer"]),
        },
        "image": {**image, "sha256": sha256_of(folder / image["file"])},
        "files": {name: sha256_of(folder / name) for name in data.get("files", {})},
    }


def toml_text(data: Mapping[str, Any]) -> str:
    """TOML of a mapping whose values are plain, lists, or mappings of such."""
    plain = {key: value for key, value in data.items() if not isinstance(value, Mapping)}
    lines = _pairs(plain)
    for name, table in data.items():
        if isinstance(table, Mapping) and table:
            lines += ["", f"[{_key(name)}]", *_pairs(table)]
    return "\n".join(lines) + "\n"


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_value(value)}" for key, value in table.items() if value is not None]


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _string(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    return _array(value)


def _string(value: str) -> str:
    # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _array(values: Sequence[Any]) -> str:
    """Short arrays in a line, long ones of numbers eight to a line, and one row a line of what is nested."""
    words = [_value(value) for value in values]
    if len(words) <= NUMBERS_A_LINE and not any(isinstance(value, str | Sequence) for value in values):
        return f"[{', '.join(words)}]"
    step = NUMBERS_A_LINE if not any(isinstance(value, str | Sequence) for value in values) else 1
    lines = [", ".join(words[start : start + step]) for start in range(0, len(words), step)]
    return "[\n  " + ",\n  ".join(lines) + ",\n]" if lines else "[]"
