"""The one configuration file of a training run, read into typed records."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the two towers; see configs/default.toml for units."""

    image_size: int
    stem: tuple[int, ...]
    image_layers: int
    text_layers: int
    width: int
    heads: int
    joint: int
    vocabulary: int
    context: int

    @property
    def side(self) -> int:
        """Tokens of a picture in a row, and in a column."""
        return self.image_size >> len(self.stem)


@dataclass(frozen=True)
class PixelConfig:
    """Mean and standard deviation by channel, for pixels scaled to 0..1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class TrainingConfig:
    """How a run spends its time; see configs/default.toml for units."""

    seed: int
    batch: int
    captions: int
    drawn_share: float
    group: int
    real_group: int
    learning_rate: float
    hidden_learning_rate: float
    ramp: int
    weight_decay: float
    betas: tuple[float, ...]
    warmup: float
    clip: float
    logit_scale: float
    attribute_weight: float
    detail_weight: float
    prompt_weight: float
    kept_tokens: int
    all_tokens_from: float
    short_context: int
    long_every: int
    threads: int
    save_seconds: float
    validate_seconds: float
    log_every: int
    held_out_share: float
    grocery_held_out_share: float


@dataclass(frozen=True)
class Config:
    """Everything that a checkpoint needs to be rebuilt."""

    network: NetworkConfig
    pixels: PixelConfig
    training: TrainingConfig

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Config:
        """Build from nested dictionaries, as TOML and checkpoints hold them. TypeError on an unknown or missing key."""

        def frozen(section: str) -> dict[str, Any]:
            return {k: tuple(v) if isinstance(v, list) else v for k, v in data[section].items()}

        return cls(
            NetworkConfig(**frozen("network")),
            PixelConfig(**frozen("pixels")),
            TrainingConfig(**frozen("training")),
        )

    def to_dict(self) -> dict[str, Any]:
        """The inverse of from_dict."""
        return asdict(self)


def load_config(path: Path) -> Config:
    """Read a TOML file such as configs/default.toml."""
    with path.open("rb") as handle:
        return Config.from_dict(tomllib.load(handle))
