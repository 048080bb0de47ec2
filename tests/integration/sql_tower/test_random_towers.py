"""Towers of CLIP's make with random weights: the way from a checkpoint to SQL, at several sizes."""

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'vitrine[models]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'vitrine[models]'")

from server.db import migrate
from server.db.engine import Database
from server.model_store.checkpoints import convert_checkpoint
from server.model_store.quantise import quantise
from tests.databases import fresh_database
from tests.integration.model_store.drafts import open_draft
from tests.integration.sql_tower.conftest import GraphInFloats, Installed, installed, unit
from tests.integration.sql_tower.texts import varied_texts
from tests.reference_models import CLIP_VOCABULARY, SMALL_CLIP, write_clip_checkpoint

LEAST, LEAST_INT8 = 0.9995, 0.995
# ViT-B/32's text tower beside an image tower of no size.
NO_PICTURES = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32,
    "patch_size": 16,
}  # fmt: skip
VIT_B_32: dict[str, Any] = {"projection_dim": 512, "vision_config": NO_PICTURES}
IDS = "SELECT vitrine_tower.token_ids(id, %s) FROM vitrine_tower.tower WHERE digest = %s"


def small(**text: Any) -> dict[str, Any]:
    config = copy.deepcopy(SMALL_CLIP)
    config["text_config"] |= text
    return config


def converted(folder: Path, config: dict[str, Any], *, int8: bool = False) -> Path:
    """A model folder as `vitrine models add` leaves it, without what it measures."""
    write_clip_checkpoint(folder / "checkpoint", config=config)
    (folder / "model").mkdir()
    draft = convert_checkpoint(folder / "checkpoint", "transformers", folder / "model")
    path = draft.folder / draft.manifest["text"]["file"]
    if int8:
        path.rename(folder / "float.onnx")
        quantise(folder / "float.onnx", path)
    open_draft(draft)
    return draft.folder


@pytest.fixture
def empty(migrated: Database) -> Iterator[Database]:
    with fresh_database(migrated) as database:
        migrate.upgrade(database, 96)
        yield database


def assert_alike(model: Installed, folder: Path, count: int) -> None:
    floats = GraphInFloats(model.manifest, folder)
    for text in varied_texts(count):
        ids = model.tokenizer.encode(text)
        assert model.ask(IDS, text, model.manifest.digest) == ids
        assert float(model.vector(text) @ floats.embed(ids)) >= LEAST, text


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu", "gelu_pytorch_tanh"])
def test_every_activation_and_a_width_between_pieces(empty: Database, tmp_path: Path, activation: str) -> None:
    config = small(hidden_act=activation, intermediate_size=576, hidden_size=96, num_attention_heads=3)
    model = installed(empty, converted(tmp_path, config))
    assert_alike(model, tmp_path, 40)


def test_an_int8_graph_is_computed_from_its_dequantised_weights(empty: Database, tmp_path: Path) -> None:
    model = installed(empty, converted(tmp_path, SMALL_CLIP, int8=True))
    assert_alike(model, tmp_path, 150)
    shipped = [float(model.vector(text) @ unit(model.encoder().embed_text(text))) for text in varied_texts(150)]
    assert min(shipped) >= LEAST_INT8


def test_a_text_tower_of_the_size_of_vit_b_32(empty: Database, tmp_path: Path) -> None:
    """With CLIP's own vocabulary where it is at hand, in ../shared/data/clip, else with the small one."""
    same = {"num_hidden_layers": 12, "hidden_size": 512, "num_attention_heads": 8, "intermediate_size": 2048}
    has_vocabulary = CLIP_VOCABULARY.is_file()
    model = installed(empty, converted(tmp_path, VIT_B_32 if has_vocabulary else small(**same)))
    assert (model.report.layers, model.report.width) == (12, 512)
    assert not has_vocabulary or model.report.vocabulary == 49_408
    assert_alike(model, tmp_path, 500 if os.environ.get("VITRINE_TEST_FULL_SIZE") == "1" else 25)


def test_two_towers_say_different_things(empty: Database, tmp_path: Path) -> None:
    model = installed(empty, converted(tmp_path, SMALL_CLIP))
    assert not np.allclose(model.vector("red"), model.vector("blue"), atol=1e-3)
