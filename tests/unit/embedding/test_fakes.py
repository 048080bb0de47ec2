import numpy as np
from PIL import Image

from server.embedding.encoder import Encoder
from tests.fakes import FakeEncoder


def test_the_fake_keeps_the_promises_of_an_encoder() -> None:
    encoder: Encoder = FakeEncoder()
    for vectors in (
        encoder.embed_texts(["red shirt", "", "\ud83d"]),
        encoder.embed_pixels([encoder.prepare(Image.new("RGB", (9, 5), "red"))]),
    ):
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(encoder.embed_text("red"), encoder.embed_texts(["blue", "red"])[1])
    assert encoder.embed_texts([]).shape == (0, encoder.manifest.dimension)


def test_a_red_picture_is_nearer_to_red_than_a_blue_one() -> None:
    encoder = FakeEncoder()
    red, blue = (encoder.embed_image(Image.new("RGB", (9, 5), colour)) for colour in ("red", "blue"))
    query = encoder.embed_text("red shirt")
    assert query @ red > query @ blue
