# ruff: noqa: E402 - the imports below need PyTorch, whose absence skips this file first
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'vitrine[models]'")

from tokenizers import Tokenizer

from models.config import load_config
from models.encoders import OnnxEncoder, TorchEncoder
from models.network import build_network, busiest_tokens
from models.pictures import normalise
from models.warm import load_exported
from server.demo import draw_catalogue
from server.resources import DEFAULT_MODEL

CONFIG = load_config(Path(__file__).parents[3] / "models" / "configs" / "default.toml")


def drawn_pixels(count: int) -> np.ndarray:
    size = CONFIG.network.image_size
    return np.stack([np.asarray(product.draw(size).convert("RGB")) for product in draw_catalogue(count, 5)])


def test_a_network_filled_from_the_bundled_model_says_what_the_model_says() -> None:
    pixels = drawn_pixels(24)
    network = build_network(CONFIG.network, CONFIG.training)
    prepared = normalise(pixels, CONFIG.pixels.mean, CONFIG.pixels.std)
    load_exported(DEFAULT_MODEL, network, torch.from_numpy(prepared), 20.0)
    assert float(network.log_scale.detach().exp()) == pytest.approx(20.0)
    network.eval()
    tokenizer = Tokenizer.from_file(str(DEFAULT_MODEL / "tokenizer.json"))
    ours, theirs = TorchEncoder(network, tokenizer, CONFIG, exact=True), OnnxEncoder(DEFAULT_MODEL, threads=1)
    assert (ours.embed_pictures(pixels) * theirs.embed_pictures(pixels)).sum(1).min() > 0.999
    texts = ["red shoes", "a striped blue shirt with buttons under a lamp", "x"]
    assert (ours.embed_texts(texts) * theirs.embed_texts(texts)).sum(1).min() > 0.999


def test_a_model_of_other_sizes_is_refused() -> None:
    from dataclasses import replace

    narrow = build_network(replace(CONFIG.network, image_layers=8), CONFIG.training)
    with pytest.raises(ValueError, match="does not hold the network"):
        load_exported(DEFAULT_MODEL, narrow, torch.zeros(2, 3, 80, 80), 20.0)


def test_the_busiest_tokens_are_where_the_pixels_vary() -> None:
    pixels = torch.ones(1, 3, 16, 16)
    pixels[:, :, :4, 4:8] = torch.rand(1, 3, 4, 4)
    pixels[:, :, 12:, 12:] = torch.rand(1, 3, 4, 4)
    assert busiest_tokens(pixels, 4, 2).tolist() == [[1, 15]]
