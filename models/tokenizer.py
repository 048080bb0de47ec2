"""The tokenizer of the text tower: a byte-level BPE that lower-cases, frames and truncates on its own.

Everything a caller would have to remember is inside tokenizer.json, so `Tokenizer.from_file(path).encode(text).ids` is
what the text graph takes. Punctuation becomes a space: "T-shirt," and "t shirt" are the same words.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PAD, START, END = "<|pad|>", "<|startoftext|>", "<|endoftext|>"
# Letters, digits and the few signs that carry meaning in a shop ("h&m", "100%", "levi's").
SEPARATORS = r"[^\p{L}\p{M}\p{N}&%']+"


def train_tokenizer(texts: Iterable[str], vocabulary: int, context: int) -> Tokenizer:
    """Learn a vocabulary of that many entries; context counts start and end token too."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(SEPARATORS), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (START, END)],
    )
    tokenizer.enable_truncation(context)
    return tokenizer
