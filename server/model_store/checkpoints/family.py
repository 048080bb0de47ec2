"""The kinds of model that are converted, and in what their text towers differ."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Family:
    """How a kind of text tower takes its tokens.

    causal: a token sees only what stands before it, so padding behind the end token changes nothing. masked: the tower
    has to be told what is padding. full: texts are always padded to the context, as in training. context: tokens, where
    it is not the number of the tower's positions.
    """

    model_class: str
    causal: bool
    masked: bool
    full: bool
    pooling: Literal["end", "last", "first"]
    context: int | None = None


# By the model_type of config.json.
FAMILIES = {
    "clip": Family("CLIPModel", causal=True, masked=False, full=False, pooling="end"),
    "siglip": Family("SiglipModel", causal=False, masked=False, full=True, pooling="last"),
    "chinese_clip": Family("ChineseCLIPModel", causal=False, masked=True, full=False, pooling="first", context=52),
}


@dataclass(frozen=True)
class Checkpoint:
    """A model in memory with all that prepares its inputs.

    model: a transformers model of the family, float32, in evaluation mode. tokenizer, processor: its tokenizer and
    image processor. tokenizer_file: its tokenizer.json, where the checkpoint has one. preprocessing: keys of the
    manifest's table [image]. lowercase: whether texts must be put in lower case before the tokenizer sees them.
    """

    model: Any
    family: Family
    tokenizer: Any
    tokenizer_file: Path | None
    processor: Any
    preprocessing: dict[str, Any]
    licence: str
    logit_bias: float | None = None
    lowercase: bool = False

    @property
    def context_length(self) -> int:
        """Tokens of the longest text."""
        return self.family.context or int(self.model.config.text_config.max_position_embeddings)

    @property
    def end_token(self) -> str:
        """What ends every text."""
        return str(self.tokenizer.sep_token if self.family.masked else self.tokenizer.eos_token)
