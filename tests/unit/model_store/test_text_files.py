"""The small files beside a text tower."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, normalizers

from server.errors import ModelError
from server.model_store.text_files import canonicalise, read_text_rules, wants_lower_case
from tests.tiny_model import END, PAD, write_tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tokenizer(tmp_path / "tokenizer.json")
    return tmp_path


def write(folder: Path, name: str, **data: Any) -> None:
    (folder / name).write_text(json.dumps(data), encoding="utf-8")


def test_end_pad_and_limit_are_read(folder: Path) -> None:
    write(folder, "tokenizer_config.json", eos_token={"content": END}, pad_token=END, model_max_length=33)
    rules = read_text_rules(folder)
    assert (rules.end, rules.pad_id, rules.limit) == (END, rules.end_id, 33)


def test_what_the_configuration_leaves_out_the_other_files_say(folder: Path) -> None:
    write(folder, "tokenizer_config.json", model_max_length=1e30)
    write(folder, "special_tokens_map.json", sep_token=END)
    rules = read_text_rules(folder)
    assert (rules.end, rules.limit) == (END, 77)
    assert rules.pad_id == Tokenizer.from_file(str(folder / "tokenizer.json")).token_to_id(PAD)


def test_a_token_that_the_tokenizer_does_not_know_is_none(folder: Path) -> None:
    write(folder, "tokenizer_config.json", eos_token="</s>")
    with pytest.raises(ModelError, match="which token ends a text"):
        read_text_rules(folder)


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_a_file_that_is_no_json_object_is_a_sentence(folder: Path, content: str) -> None:
    (folder / "tokenizer_config.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ModelError, match=r"tokenizer_config\.json"):
        read_text_rules(folder)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Blue  SHIRT, with_stripes!", "blue shirt with stripes"),
        (" don't (ever) [stop] ", "dont ever stop"),
        ("Größe: 42", "größe 42"),
    ],
)
def test_open_clips_cleaning_becomes_the_tokenizers(folder: Path, text: str, clean: str) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    before = tokenizer.encode(clean).ids
    canonicalise(tokenizer)
    assert tokenizer.encode(text).ids == before


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, False),
        ({"tokenizer_class": "CLIPTokenizer"}, False),
        ({"tokenizer_class": "NllbTokenizer", "do_lower_case": False}, False),
        ({"do_lower_case": True}, True),
        ({"tokenizer_class": "GemmaTokenizerFast"}, True),
        ({"tokenizer_class": "Siglip2Tokenizer"}, True),
    ],
)
def test_lower_case_is_wanted_where_the_configuration_says_so_and_the_tokenizer_does_not_do_it(
    folder: Path, config: dict[str, Any], wanted: bool
) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert wants_lower_case(tokenizer, config) is wanted
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Prepend("_")])
    assert wants_lower_case(tokenizer, config) is False


def test_gemmas_vocabulary_is_known_without_a_configuration(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens([AddedToken("<start_of_turn>")])
    assert wants_lower_case(tokenizer, {}) is True
