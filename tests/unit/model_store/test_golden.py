import hashlib

import numpy as np

from server.embedding.clip import ClipEncoder
from server.embedding.manifest import Golden
from server.model_store.golden import SEEDS, TEXTS, ask_again, golden_table, paint, worst_cosine
from server.model_store.originals import texts_of_every_length
from tests.unit.embedding.conftest import tiny_encoder, tiny_folder

__all__ = ["tiny_encoder", "tiny_folder"]

# Golden vectors of every installed model rest on these pixels: a change here makes each of them look broken.
PICTURES = "4b3a330e64556b19cdd2f555f7606f3114a2d883b0a35af2c73d199f7e798802"


def test_golden_pictures_never_change() -> None:
    pixels = b"".join(paint(seed).tobytes() for seed in SEEDS)
    assert hashlib.sha256(pixels).hexdigest() == PICTURES


def test_golden_pictures_have_two_shapes_and_differ() -> None:
    pictures = [paint(seed) for seed in SEEDS]
    assert {picture.size for picture in pictures} == {(320, 240), (240, 320)}
    assert len({picture.tobytes() for picture in pictures}) == len(SEEDS)


def test_a_model_says_again_what_it_said(tiny_encoder: ClipEncoder) -> None:
    table = golden_table(tiny_encoder)
    golden = Golden(
        texts=tuple(table["texts"]),
        token_ids=tuple(map(tuple, table["token_ids"])),
        text_vectors=tuple(map(tuple, table["text_vectors"])),
        seeds=tuple(table["seeds"]),
        image_vectors=tuple(map(tuple, table["image_vectors"])),
    )
    assert golden.texts == TEXTS
    again = ask_again(tiny_encoder, golden)
    assert min(again.text, again.image) > 0.99999
    assert again.same_tokens


def test_the_worst_row_counts() -> None:
    left = np.eye(3, dtype=np.float32)
    right = np.array([[2, 0, 0], [0, 1, 0], [0, 1, 0]], np.float32)
    assert worst_cosine(left, right) == 0
    assert worst_cosine(left, left * 7) == 1


def test_texts_of_every_length_go_up_to_the_context() -> None:
    lengths = {len(text.split()) for text in texts_of_every_length(77)}
    assert set(range(1, 78)) <= lengths
