"""What is written is read again as it was."""

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.embedding.manifest import read_manifest
from server.model_store.manifest_file import toml_text, with_digests, write_manifest
from tests.tiny_model import manifest_data, write_tiny_model

# TOML files are UTF-8, which has no half characters.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), NUMBERS, TEXTS, st.lists(NUMBERS), st.lists(TEXTS))
ROWS = st.lists(st.lists(NUMBERS, min_size=1), min_size=1)
TABLES = st.dictionaries(TEXTS, st.one_of(PLAIN, ROWS, st.dictionaries(TEXTS, PLAIN, min_size=1)))


@given(TABLES)
def test_any_table_survives(data: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(data)) == data


def test_none_leaves_a_key_out() -> None:
    assert tomllib.loads(toml_text({"a": None, "b": {"c": None, "d": 1}})) == {"b": {"d": 1}}


def test_long_rows_of_numbers_are_broken_into_lines() -> None:
    lines = toml_text({"mean": [0.125] * 300}).splitlines()
    assert max(map(len, lines)) < 120


def test_digests_are_those_of_the_files(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    right = manifest_data(folder)
    wrong = {**right, "text": right["text"] | {"sha256": "0" * 64}, "image": right["image"] | {"sha256": "0" * 64}}
    write_manifest(folder, with_digests(wrong, folder))
    manifest = read_manifest(folder)
    assert manifest.text.sha256 == right["text"]["sha256"]
    assert manifest.image.sha256 == right["image"]["sha256"]
