"""A pair of graphs in the layout of Xenova/clip-vit-base-patch32: without torch it says what the checkpoint says."""

import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'vitrine[models]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'vitrine[models]'")

import torch
from torch import nn
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from server.model_store.add import make_draft
from server.model_store.sources import fetch
from tests.integration.model_store.drafts import cosines, noise, open_draft
from tests.integration.model_store.fuzzed_texts import fuzzed_texts
from tests.reference_models import SMALL_CLIP, write_clip_checkpoint

FULL_SIZE = os.environ.get("VITRINE_TEST_FULL_SIZE") == "1"
LEAST = 0.99999


class Text(nn.Module):
    """text_model.onnx: not yet of unit length."""

    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.model.get_text_features(input_ids=input_ids).pooler_output


class Vision(nn.Module):
    """vision_model.onnx: not yet of unit length."""

    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.model.get_image_features(pixel_values=pixel_values).pooler_output


def write_pair(checkpoint: Path, folder: Path) -> CLIPModel:
    """What a hub serves for transformers.js, made from the checkpoint."""
    model = CLIPModel.from_pretrained(checkpoint, attn_implementation="eager").eval().requires_grad_(False)
    (folder / "onnx").mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"):
        shutil.copy(checkpoint / name, folder / name)
    size, end = model.config.vision_config.image_size, model.config.text_config.eos_token_id
    ids = torch.tensor([[end - 1, 320, 530, end]] * 2)
    batch = {0: "batch_size"}
    parts = [
        ("text_model", Text(model), ids, "input_ids", "text_embeds", batch | {1: "sequence_length"}),
        ("vision_model", Vision(model), torch.rand(2, 3, size, size), "pixel_values", "image_embeds", batch),
    ]
    for file, graph, sample, name, output, axes in parts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph, (sample,), str(folder / "onnx" / f"{file}.onnx"), dynamo=False, opset_version=14,
                input_names=[name], output_names=[output], dynamic_axes={name: axes, output: batch},
            )  # fmt: skip
    return model


def test_a_ready_pair_gives_the_vectors_of_the_checkpoint_it_was_made_from(tmp_path: Path) -> None:
    write_clip_checkpoint(tmp_path / "clip", config=None if FULL_SIZE else SMALL_CLIP)
    model = write_pair(tmp_path / "clip", tmp_path / "pair")
    (tmp_path / "onnx").mkdir()
    draft = make_draft(fetch(str(tmp_path / "pair")), "pair", tmp_path / "onnx")
    assert draft.manifest["text"]["causal"]
    encoder = open_draft(draft)

    letters = np.random.default_rng(9).choice(list("abcdefghijklmnopqrstuvwxyz"), 80)
    texts = [*(" ".join(letters[:count]) for count in range(80)), *fuzzed_texts(40)]
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path / "clip")
    ids = tokenizer(texts, padding=True, truncation=True, max_length=77, return_tensors="pt")
    assert set(range(2, 78)) <= set(ids["attention_mask"].sum(1).tolist())
    expected = nn.functional.normalize(model.get_text_features(**ids).pooler_output, dim=-1).numpy()
    assert cosines(encoder.embed_texts(texts), expected).min() >= LEAST
    assert cosines(np.stack([encoder.embed_text(text) for text in texts]), expected).min() >= LEAST

    pictures = noise(9)
    pixels = CLIPImageProcessorPil.from_pretrained(tmp_path / "clip")(images=pictures, return_tensors="pt")
    expected = nn.functional.normalize(model.get_image_features(**pixels).pooler_output, dim=-1).numpy()
    assert cosines(encoder.embed_pixels([encoder.prepare(picture) for picture in pictures]), expected).min() >= LEAST
