from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from server.embedding.manifest import read_manifest
from server.embedding.tokenizer import TextTokenizer, load_tokenizer
from server.errors import ModelError
from tests.tiny_model import CONTEXT, END, START, manifest_data, write_manifest, write_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder / "tokenizer.json")
    write_manifest(folder, manifest_data(folder))
    return load_tokenizer(read_manifest(folder))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("raw") / "tokenizer.json"
    write_tokenizer(path)
    return Tokenizer.from_file(str(path))


# Surrogates are left in on purpose: JSON can carry half an emoji.
anything = st.text(st.characters(codec=None), max_size=300)


@given(anything)
@example("")
@example(" \t\n")
@example("\0")
@example("shirt\0blue")
@example("\ud83d")
@example("👗 kleid für 50 €")
@example("word " * 10_000)
@example("x" * 100_000)
@example("<|endoftext|> <|pad|> <|startoftext|>")
@settings(max_examples=300, deadline=None)
def test_any_text_gives_between_one_and_context_tokens_and_one_end_token_at_the_end(
    tokenizer: TextTokenizer, raw: Tokenizer, text: str
) -> None:
    ids = tokenizer.encode(text)
    end = raw.token_to_id(END)
    assert 1 <= len(ids) <= CONTEXT
    assert ids[-1] == end
    assert ids.count(end) == 1


def test_a_short_text_is_not_padded_and_keeps_all_its_words(tokenizer: TextTokenizer, raw: Tokenizer) -> None:
    ids = tokenizer.encode("blue shirt")
    assert ids == [raw.token_to_id(START), *ids[1:-1], raw.token_to_id(END)]
    assert raw.decode(ids) == " blue shirt"


def test_a_long_text_keeps_its_first_words(tokenizer: TextTokenizer, raw: Tokenizer) -> None:
    words = "blue shirt with stripes "
    ids = tokenizer.encode(words * 100)
    assert len(ids) == CONTEXT
    assert (words * 100).startswith(raw.decode(ids).strip())


def test_cutting_the_string_first_changes_nothing(tokenizer: TextTokenizer) -> None:
    assert tokenizer.encode("red leather handbag " * 40) == tokenizer.encode("red leather handbag " * 4_000)


def test_a_tokenizer_without_a_frame_still_ends_with_the_end_token(raw: Tokenizer) -> None:
    bare = Tokenizer(raw.model)
    bare.add_special_tokens([END])
    tokenizer = TextTokenizer(bare, 4, END)
    assert tokenizer.encode("") == [bare.token_to_id(END)]
    assert tokenizer.encode("shirt")[-1] == bare.token_to_id(END)
    assert len(tokenizer.encode("shirt" * 50)) == 4


def test_an_end_token_that_the_tokenizer_does_not_know_is_an_error(tmp_path: Path) -> None:
    write_tokenizer(tmp_path / "tokenizer.json")
    write_manifest(tmp_path, manifest_data(tmp_path), {"end_token": "</s>"})
    with pytest.raises(ModelError, match='does not know the end token "</s>"'):
        load_tokenizer(read_manifest(tmp_path))


def test_a_file_that_is_no_tokenizer_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    write_manifest(tmp_path, manifest_data(tmp_path))
    with pytest.raises(ModelError, match=r"tokenizer\.json is not a tokenizer"):
        load_tokenizer(read_manifest(tmp_path))


def test_texts_are_put_in_lower_case_only_where_the_manifest_says_so(tmp_path: Path) -> None:
    write_tokenizer(tmp_path / "tokenizer.json")
    for lowercase in (False, True):
        write_manifest(tmp_path, manifest_data(tmp_path), {"lowercase": lowercase})
        tokenizer = load_tokenizer(read_manifest(tmp_path))
        assert (tokenizer.encode("Blue SHIRT") == tokenizer.encode("blue shirt")) == lowercase
