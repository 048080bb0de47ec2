"""Token ids beside transformers' CLIPTokenizer, text by text."""

from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="needs transformers: pip install 'vitrine[models]'")

from tokenizers import Tokenizer
from transformers import CLIPTokenizer

from server.embedding.tokenizer import TextTokenizer
from server.model_store.checkpoints.samples import sample_texts
from tests import reference_models
from tests.integration.model_store.fuzzed_texts import fuzzed_texts

CONTEXT = 77
END = "<|endoftext|>"


def differences(folder: Path, texts: list[str]) -> list[str]:
    """Those texts to which transformers gives other ids."""
    original = CLIPTokenizer.from_pretrained(folder)
    ours = TextTokenizer(Tokenizer.from_file(str(folder / "tokenizer.json")), CONTEXT, END)
    expected = original(texts, truncation=True, max_length=CONTEXT)["input_ids"]
    return [text for text, ids in zip(texts, expected, strict=True) if ours.encode(text) != ids]


def test_5000_fuzzed_strings_get_the_ids_of_cliptokenizer(tmp_path: Path) -> None:
    """With CLIP's own 49,408 tokens where ../shared/data/clip is, else with a small vocabulary of the same make."""
    reference_models.write_clip_tokenizer(tmp_path)
    texts = fuzzed_texts(5000)
    assert len(set(texts)) > 4500
    assert differences(tmp_path, texts) == []


def test_a_vocabulary_trained_on_the_spot_gives_the_ids_of_cliptokenizer_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_models, "CLIP_VOCABULARY", tmp_path / "missing.txt.gz")
    vocabulary, _ = reference_models.write_clip_tokenizer(tmp_path)
    assert 1000 < len(vocabulary) < 10_000
    assert differences(tmp_path, [*fuzzed_texts(600, seed=8), *sample_texts()]) == []


def test_a_special_token_that_a_person_types_is_words_to_us_and_the_token_to_transformers(tmp_path: Path) -> None:
    reference_models.write_clip_tokenizer(tmp_path)
    assert differences(tmp_path, ["shirt <|endoftext|> blue"]) == ["shirt <|endoftext|> blue"]


def test_the_texts_that_a_conversion_compares_are_several_hundred_and_varied() -> None:
    texts = list(sample_texts())
    assert len(set(texts)) >= 490
    assert all(text == text.strip() and END not in text for text in texts)
    assert sum(not text.isascii() for text in texts) > 150
    assert max(map(len, texts)) >= 1000 - 1
