"""The small files beside a text tower: how its tokenizer ends and pads a text, and how long a text may be."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, normalizers

from server.errors import ModelError

# tokenizer_config.json holds 1e30 where nobody set a length.
_NO_LENGTH = 100_000

# What tokenizer_config.json calls the tokenizers of SigLIP 2, and a token of Gemma's vocabulary, which they share.
_GEMMA_CLASSES = ("Gemma", "Siglip2")
_ONLY_GEMMA_HAS = "<start_of_turn>"


@dataclass(frozen=True)
class TextRules:
    """end: the token that ends every text. limit: its own longest text, None where no file says one."""

    end: str
    end_id: int
    pad_id: int
    limit: int | None


def read_json(path: Path, *, required: bool = False) -> dict[str, Any]:
    """A JSON object, or an empty one where a file that is not required is missing. Raises ModelError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        if required:
            raise ModelError(f"The model has no {path.name}.", path=str(path)) from exc
        return {}
    except (OSError, ValueError, RecursionError) as exc:
        raise ModelError(f"{path.name} is not JSON that can be read. Download it again.", path=str(path)) from exc
    if not isinstance(data, dict):
        raise ModelError(f"{path.name} does not hold a JSON object. Download it again.", path=str(path))
    return data


def load_tokenizer_file(path: Path) -> Tokenizer:
    """Open tokenizer.json. Raises ModelError where it is missing or none."""
    if not path.is_file():
        raise ModelError(f"The model has no {path.name}, so texts cannot be cut into its tokens.", path=str(path))
    try:
        return Tokenizer.from_file(str(path))
    except Exception as exc:  # the Rust side raises plain Exception
        raise ModelError(f"{path.name} is not a tokenizer that can be loaded.", path=str(path)) from exc


def read_text_rules(folder: Path) -> TextRules:
    """From tokenizer.json, tokenizer_config.json and special_tokens_map.json in that folder. Raises ModelError."""
    tokenizer = load_tokenizer_file(folder / "tokenizer.json")
    files = [read_json(folder / name) for name in ("tokenizer_config.json", "special_tokens_map.json")]
    end = _token(files, ("eos_token", "sep_token"), tokenizer)
    if end is None:
        raise ModelError("The model's tokenizer_config.json does not say which token ends a text (eos_token).")
    padding, truncation = tokenizer.padding or {}, tokenizer.truncation or {}
    pad = _token(files, ("pad_token",), tokenizer)
    pad_id = int(padding.get("pad_id") or 0) if pad is None else pad[1]
    limits = [files[0].get("model_max_length"), truncation.get("max_length"), padding.get("length")]
    limit = next((int(n) for n in limits if isinstance(n, int | float) and 1 < n < _NO_LENGTH), None)
    return TextRules(*end, pad_id, limit)


def wants_lower_case(tokenizer: Tokenizer, config: Mapping[str, Any]) -> bool:
    """Whether texts must be put in lower case before this tokenizer sees them, since it does not do so itself.

    config: tokenizer_config.json. SigLIP 2 was trained on texts in lower case; its tokenizer is Gemma's, which keeps
    capitals, and no file of a checkpoint says so.
    """
    if tokenizer.normalizer is not None and "abc" in tokenizer.normalizer.normalize_str("ABC"):
        return False
    named = str(config.get("tokenizer_class") or "").startswith(_GEMMA_CLASSES)
    return bool(config.get("do_lower_case")) or named or tokenizer.token_to_id(_ONLY_GEMMA_HAS) is not None


def canonicalise(tokenizer: Tokenizer) -> None:
    """Let the tokenizer clean a text as open_clip's `canonicalize` does: no punctuation, lower case, single spaces."""
    steps = [
        normalizers.Replace("_", " "),
        normalizers.Replace(Regex(r"[!-/:-@\[-`{-~]"), ""),
        normalizers.Lowercase(),
        normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Strip(),
    ]
    before = [tokenizer.normalizer] if tokenizer.normalizer is not None else []
    tokenizer.normalizer = normalizers.Sequence([*steps, *before])


def _token(files: Iterable[dict[str, Any]], keys: Iterable[str], tokenizer: Tokenizer) -> tuple[str, int] | None:
    """The first of these special tokens that a file names and the tokenizer knows, with its id."""
    for key, data in product(keys, files):
        value = data.get(key)
        text = value.get("content") if isinstance(value, dict) else value
        if isinstance(text, str) and (number := tokenizer.token_to_id(text)) is not None:
            return text, int(number)
    return None
