"""The same tower out of a graph that looks different: older operators, and no length of 1 in the end."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'vitrine[models]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'vitrine[models]'")

import torch
from torch import Tensor, nn

from server.embedding.manifest import Manifest
from server.embedding.registry import read_complete
from server.sql_tower.architecture import read_tower
from tests.integration.model_store.drafts import sha256
from tests.integration.sql_tower.test_random_towers import converted
from tests.reference_models import SMALL_CLIP


def with_graph(manifest: Manifest, write: Callable[[Path], None]) -> Manifest:
    """The model with another text graph."""
    path = manifest.folder / "text.onnx"
    write(path)
    return replace(manifest, text=replace(manifest.text, sha256=sha256(path)))


def export(module: nn.Module, path: Path, **options: Any) -> None:
    ids = torch.randint(0, 900, (1, 9), generator=torch.Generator().manual_seed(3))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), (ids,), str(path), dynamo=False, input_names=["input_ids"], output_names=["embedding"],
            dynamic_axes={"input_ids": {1: "length"}}, **options,
        )  # fmt: skip


class TransformersText(nn.Module):
    """What transformers computes of a text, without the length."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> Tensor:
        features: Tensor = self.model.get_text_features(input_ids=ids).pooler_output
        return features


@pytest.fixture
def model(tmp_path: Path) -> Manifest:
    return read_complete(converted(tmp_path, SMALL_CLIP))


def test_layer_norms_that_are_written_out(model: Manifest) -> None:
    from transformers import CLIPModel

    clip: Any = CLIPModel.from_pretrained(model.folder.parent / "checkpoint", attn_implementation="eager")
    before = read_tower(model).tower
    other = with_graph(model, lambda path: export(TransformersText(clip), path, opset_version=14))
    found = read_tower(other)
    assert found.cosine > 0.99999
    assert np.array_equal(found.tower.projection.weight, before.projection.weight)
    assert found.tower.layers[0].before.epsilon == pytest.approx(1e-5)
