# ruff: noqa: E402 - the imports below need PyTorch, whose absence skips this file first
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'vitrine[models]'")

import numpy as np
from PIL import Image

from models.batches import encode_captions, vary_pixels
from models.config import Config, NetworkConfig, load_config
from models.network import END_ID, START_ID, DualEncoder
from models.pictures import fit_picture, normalise
from models.steps import embed_by_length
from models.tokenizer import END, START, train_tokenizer

SMALL = NetworkConfig(
    image_size=32,
    stem=(4, 8, 16),
    image_layers=1,
    text_layers=1,
    width=16,
    heads=2,
    joint=8,
    vocabulary=300,
    context=12,
)
DEFAULT = Path(__file__).parents[3] / "models" / "configs" / "default.toml"


@pytest.fixture(scope="module")
def network() -> DualEncoder:
    torch.manual_seed(1)
    return DualEncoder(SMALL).eval()


def test_embeddings_have_the_joint_width_and_unit_length(network: DualEncoder) -> None:
    pictures = network.embed_pictures(torch.rand(3, 3, 32, 32))
    texts = network.embed_texts(torch.tensor([[START_ID, 7, END_ID]]))
    assert pictures.shape == (3, 8)
    assert texts.shape == (1, 8)
    assert torch.allclose(pictures.norm(dim=1), torch.ones(3), atol=1e-5)


def test_padding_after_the_end_token_changes_nothing(network: DualEncoder) -> None:
    ids = torch.tensor([[START_ID, 7, 9, END_ID]])
    padded = torch.tensor([[START_ID, 7, 9, END_ID, 0, 0, 5]])
    assert torch.allclose(network.embed_texts(ids), network.embed_texts(padded), atol=1e-6)


def test_embedding_by_length_gives_what_all_at_once_gives(network: DualEncoder) -> None:
    generator = torch.Generator().manual_seed(3)
    ids = torch.zeros(9, 12, dtype=torch.int64)
    for row in range(9):
        ids[row, : row + 2] = torch.randint(3, 300, (row + 2,), generator=generator)
        ids[row, 0], ids[row, row + 1] = START_ID, END_ID
    assert torch.allclose(embed_by_length(network, ids), network.embed_texts(ids), atol=1e-5)


def test_the_default_configuration_survives_a_checkpoint() -> None:
    config = load_config(DEFAULT)
    assert Config.from_dict(config.to_dict()) == config


def test_the_tokenizer_frames_lowers_and_truncates_by_itself() -> None:
    tokenizer = train_tokenizer(["a blue t-shirt", "red mugs with stripes"] * 3, 300, 12)
    assert tokenizer.encode("A BLUE T-Shirt!").ids == tokenizer.encode("a blue t shirt").ids
    assert tokenizer.encode("red").tokens[0] == START
    long = tokenizer.encode("red mugs with stripes " * 20)
    assert len(long.ids) == 12
    assert long.tokens[-1] == END
    assert tokenizer.encode("").tokens == [START, END]
    assert encode_captions(tokenizer, ["red mugs with stripes", "red"], 5).shape == (2, 5)


def test_a_picture_is_centred_on_white() -> None:
    pixels = fit_picture(Image.new("RGB", (20, 40), (255, 0, 0)), 16)
    assert pixels.shape == (16, 16, 3)
    assert tuple(pixels[8, 0]) == (255, 255, 255)
    assert tuple(pixels[8, 8]) == (255, 0, 0)
    clear = fit_picture(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), 16)
    assert clear.min() == 255
    assert normalise(pixels[None], (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)).shape == (1, 3, 16, 16)


def test_varied_pictures_keep_their_shape_and_their_white() -> None:
    white = np.full((6, 16, 16, 3), 255, np.uint8)
    varied = vary_pixels(white, torch.Generator().manual_seed(1))
    assert varied.shape == (6, 3, 16, 16)
    assert varied.min() > 0.8
    assert varied.max() <= 1
