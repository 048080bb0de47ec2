"""Under which licence a model is published: read from its card, for ready graphs and checkpoints alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

UNKNOWN_LICENCE = "unknown; see the source"


def read_licence(folder: Path, config: Mapping[str, Any]) -> str:
    """`license` in the front matter of README.md, else in config.json, else that it is unknown.

    A card that says `other` names the licence in `license_name`. Several licences are told with commas.
    """
    card = _card(folder / "README.md")
    licence = _words(card.get("license")) or _words(config.get("license"))
    if licence == "other":
        licence = _words(card.get("license_name")) or licence
    return licence[:200] or UNKNOWN_LICENCE


def _card(path: Path) -> Mapping[str, Any]:
    from huggingface_hub import metadata_load

    try:
        return metadata_load(path) or {}
    except Exception:  # no card, or a header that is not YAML: the reader raises what it likes
        return {}


def _words(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return ", ".join(str(one).strip() for one in values if isinstance(one, str | int | float) and str(one).strip())
