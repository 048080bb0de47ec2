import numpy as np
import pytest

from server.model_store.calibration import Embedded, agreement, draw_set, nearest, recall


@pytest.fixture(scope="module")
def pairs():
    return draw_set(40)


def test_every_caption_is_right_for_a_picture_and_every_picture_has_captions(pairs) -> None:
    assert pairs.right.shape == (len(pairs.captions), 40)
    assert pairs.right.any(axis=1).all()
    assert (pairs.right.sum(axis=0) >= 2).all()
    assert len(set(pairs.captions)) == len(pairs.captions)


def test_captions_say_what_the_pictures_show(pairs) -> None:
    truth = pairs.products[3].truth
    own = [caption for caption, right in zip(pairs.captions, pairs.right, strict=True) if right[3]]
    assert all(truth.colour in caption and truth.kind in caption for caption in own)


def test_the_set_is_the_same_every_time(pairs) -> None:
    again = draw_set(40)
    assert again.captions == pairs.captions
    assert again.products[7].draw(32).tobytes() == pairs.products[7].draw(32).tobytes()


def test_a_perfect_model_recalls_everything_and_a_random_one_what_chance_gives() -> None:
    pairs = draw_set(200)
    rng = np.random.default_rng(1)
    pictures = rng.standard_normal((200, 64)).astype(np.float32)
    perfect = Embedded((pairs.right @ pictures).astype(np.float32), pictures)
    assert recall(perfect, pairs.right) > 0.95
    random = Embedded(rng.standard_normal((len(pairs.captions), 64)).astype(np.float32), pictures)
    assert recall(random, pairs.right) == pytest.approx(pairs.chance, abs=0.06)


def test_agreement_is_the_share_of_places_in_common() -> None:
    pictures = np.eye(20, dtype=np.float32)
    left = np.linspace(1, 2, 20, dtype=np.float32)[None]
    right = np.roll(left, 5, axis=1)
    assert agreement(Embedded(left, pictures), Embedded(left, pictures)) == 1
    assert agreement(Embedded(left, pictures), Embedded(right, pictures)) == 0.5
    assert nearest(Embedded(left, pictures)).tolist() == [list(range(19, 9, -1))]
