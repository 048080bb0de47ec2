"""The licence, as a model's card or configuration states it."""

from pathlib import Path
from typing import Any

import pytest

from server.model_store.licence import read_licence


@pytest.mark.parametrize(
    ("front", "licence"),
    [
        ("---\nlicense: mit\n---\n", "mit"),
        ("---\nlicense: mit # as the weights\n---\n", "mit"),
        ('---\nlicense: "apache-2.0"\n---\n', "apache-2.0"),
        ("---\nlicense: [mit, 'apache-2.0']\n---\n", "mit, apache-2.0"),
        ("---\ntags:\n- clip\nlicense:\n- cc-by-4.0\n---\n", "cc-by-4.0"),
        ("---\nlicense: other\nlicense_name: apple-amlr\n---\n", "apple-amlr"),
        ("---\nlicense_name: apple-amlr\nlicense: other\n---\n", "apple-amlr"),
        ("---\nlicense: other\n---\n", "other"),
        ("license: mit in the text alone\n", "unknown; see the source"),
        ("---\nlicense: [mit\n---\n", "unknown; see the source"),
        ("---\n- mit\n---\n", "unknown; see the source"),
        ("---\nlicense: {a: 1}\n---\n", "unknown; see the source"),
    ],
)
def test_the_licence_is_that_of_the_cards_front_matter(front: str, licence: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(front + "# A model\n", encoding="utf-8")
    assert read_licence(tmp_path, {}) == licence


@pytest.mark.parametrize(("config", "licence"), [({"license": "mit"}, "mit"), ({}, "unknown; see the source")])
def test_without_a_card_the_configuration_may_say_it(config: dict[str, Any], licence: str, tmp_path: Path) -> None:
    assert read_licence(tmp_path, config) == licence


def test_a_card_that_is_no_text_is_none(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\xff\xfe---\nlicense: mit\n")
    assert read_licence(tmp_path, {}) == "unknown; see the source"
