import random
import re

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'vitrine[models]'")

from models.captions import Subject, compose_caption, draw_caption, fill_template
from models.demo_words import DETAIL_WORDS, KIND_WORDS
from models.drawn import Truth, subject_of
from models.real import describe_product, is_held_out, useful_sentences
from models.wordings import HELD_OUT_TEMPLATES, PATTERN_WORDS, TEMPLATES, WEIGHTS
from server.demo import COLOURS, KINDS, PATTERNS, details_of

SHIRT = Truth("shirt", "blue", "striped", ("buttons", "pocket"))


def test_the_same_seed_gives_the_same_captions() -> None:
    first, second = (
        [draw_caption(subject_of(SHIRT), draw).text for _ in range(50)] for draw in (random.Random(5), random.Random(5))
    )
    assert first == second
    assert len(set(first)) > 25


@pytest.mark.parametrize("kind", KINDS)
def test_every_drawn_kind_has_captions_without_gaps(kind: str) -> None:
    draw = random.Random(kind)
    for colour in COLOURS:
        for pattern in PATTERNS:
            caption = draw_caption(subject_of(Truth(kind, colour, pattern, details_of(kind))), draw)
            assert caption.text.strip()
            assert not re.search(r"[{}]|  ", caption.text), caption.text


def test_every_kind_pattern_and_detail_that_can_be_drawn_has_words() -> None:
    assert set(KINDS) <= set(KIND_WORDS)
    assert set(PATTERNS) <= set(PATTERN_WORDS)
    assert {detail for kind in KINDS for detail in details_of(kind)} <= set(DETAIL_WORDS)


def test_a_caption_says_which_labels_it_uses() -> None:
    draw = random.Random(1)
    caption = fill_template("{c} {k} with {P} and {d}", "cpkd", subject_of(SHIRT), draw)
    assert caption.uses == {"kind", "colour", "pattern"}
    assert len(caption.details) == 1
    assert caption.details <= set(SHIRT.details)


def test_an_unknown_attribute_is_never_said() -> None:
    draw = random.Random(2)
    for _ in range(200):
        caption = compose_caption(Subject(kind=("clock",), kinds=("clocks",)), draw)
        assert caption.uses == {"kind"}


def test_held_out_templates_are_in_no_training_template() -> None:
    trained = {template for templates in TEMPLATES.values() for template in templates}
    assert not trained & {template for templates in HELD_OUT_TEMPLATES.values() for template in templates}
    assert set(WEIGHTS) == set(TEMPLATES)


def test_washing_instructions_are_no_captions() -> None:
    assert useful_sentences("Machine wash cold\nBlue shirt with a spread collar\nWarm iron only") == (
        "blue shirt with a spread collar",
    )


def test_a_row_with_few_columns_is_described() -> None:
    subject, labels = describe_product({"title": "Kiwi", "category": "Fruit/Kiwi", "description": None})
    assert subject.kind == ("kiwi",)
    assert labels.values["kind"] == "kiwi"
    assert not subject.colour


def test_products_of_one_title_are_on_the_same_side_of_the_split() -> None:
    assert is_held_out("Blue Shirt", 0.5) == is_held_out(" blue shirt ", 0.5)
    held_out = sum(is_held_out(f"title {number}", 0.07) for number in range(5000))
    assert 250 < held_out < 450
