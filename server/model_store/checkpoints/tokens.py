"""The tokenizer that is installed, and the proof that it says what the checkpoint's own says."""

import shutil
from pathlib import Path

from tokenizers import Tokenizer

from server.embedding.tokenizer import TextTokenizer
from server.errors import ModelError
from server.model_store.checkpoints.family import Checkpoint
from server.model_store.checkpoints.original import TorchOriginal
from server.model_store.checkpoints.samples import sample_texts

# Old configurations of CLIP name a wrong end token; their tower is read at the highest id of a text instead.
NO_END_ID = 2


def check_own_tokenizer(checkpoint: Checkpoint) -> None:
    """Refuse the tokenizer of another model, which would give vectors that look right. Raises ModelError."""
    tokenizer, config = checkpoint.tokenizer, checkpoint.model.config.text_config
    largest = max(tokenizer.get_vocab().values())
    if largest >= config.vocab_size:
        raise ModelError(
            f"The checkpoint's tokenizer has {largest + 1:,} tokens, but its text tower knows {config.vocab_size:,}: "
            "the tokenizer is that of another model."
        )
    end = tokenizer.convert_tokens_to_ids(checkpoint.end_token)
    if checkpoint.family.pooling == "end":
        expected = largest if config.eos_token_id == NO_END_ID else config.eos_token_id
        if end != expected:
            raise ModelError(
                f"The checkpoint's tokenizer ends a text with token {end}, but its text tower reads it at token "
                f"{expected}: the tokenizer is that of another model."
            )
    if not checkpoint.family.causal and tokenizer.pad_token_id is None:
        raise ModelError("The checkpoint's tokenizer has no token to pad with, which its text tower needs.")


def write_tokenizer(checkpoint: Checkpoint, original: TorchOriginal, path: Path) -> None:
    """Write a tokenizer.json that gives the original's ids: the checkpoint's file, else what transformers made of it.

    Raises ModelError, naming the text, if neither gives the ids of `sample_texts`.
    """
    backend = getattr(checkpoint.tokenizer, "backend_tokenizer", None)
    different: str | None = None
    if checkpoint.tokenizer_file is not None:
        shutil.copyfile(checkpoint.tokenizer_file, path)
        different = first_difference(checkpoint, original, path)
        if different is None:
            return
    if backend is not None:
        path.write_text(backend.to_str(), encoding="utf-8")
        different = first_difference(checkpoint, original, path)
        if different is None:
            return
    if different is None:
        raise ModelError("The checkpoint has no tokenizer.json, and its tokenizer cannot be written as one.")
    path.unlink()
    raise ModelError(
        f"The checkpoint's tokenizer cannot be repeated exactly: the text {different[:60]!r} gets other tokens from "
        "its tokenizer.json than from the tokenizer itself."
    )


def first_difference(checkpoint: Checkpoint, original: TorchOriginal, path: Path) -> str | None:
    """The first of `sample_texts` whose ids differ between the original and the file, or None. Raises ModelError."""
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as exc:  # the Rust side raises plain Exception
        raise ModelError("The checkpoint's tokenizer.json cannot be loaded. Download it again.") from exc
    ours = TextTokenizer(tokenizer, checkpoint.context_length, checkpoint.end_token, lowercase=checkpoint.lowercase)
    return next((text for text in sample_texts() if ours.encode(text) != original.token_ids(text)), None)
