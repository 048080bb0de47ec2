"""open_clip's checkpoints, converted without open_clip."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="needs torch: pip install 'vitrine[models]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'vitrine[models]'")

import torch
from safetensors.torch import save_file

from server.errors import ModelError
from server.model_store.add import make_draft
from server.model_store.checkpoints import convert_checkpoint
from server.model_store.draft import Draft
from server.model_store.sources import fetch
from tests.integration.model_store.drafts import cosines, noise, open_draft
from tests.integration.model_store.open_clip_like import OpenClip
from tests.reference_models import write_clip_tokenizer, write_json

CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 48,
        "vision_cfg": {"image_size": 64, "layers": 3, "width": 96, "patch_size": 16, "head_width": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 3},
    },
    "preprocess_cfg": {"mean": [0.48, 0.45, 0.4], "std": [0.26, 0.26, 0.27], "interpolation": "bicubic"},
}
TEXTS = ["", "shirt", "blue shirt with white stripes", "Crème brûlée 2 x 500 g", "word " * 100]


def changed(table: str, **values: Any) -> dict[str, Any]:
    """CONFIG with keys of one table replaced or added."""
    config = copy.deepcopy(CONFIG)
    target = config["model_cfg"] if table == "model_cfg" else config["model_cfg"].get(table, config.get(table))
    target.update(values)
    return config


def write_open_clip(folder: Path, config: dict[str, Any], *, kind: str = "safetensors") -> OpenClip:
    """Write the checkpoint as a hub serves it, and return the model."""
    folder.mkdir()
    write_json(folder / "open_clip_config.json", config)
    write_clip_tokenizer(folder)
    model = OpenClip(config["model_cfg"])
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if kind == "safetensors":
        save_file(state, folder / "open_clip_model.safetensors")
    else:
        torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, folder / kind)
    return model


def convert(folder: Path) -> Draft:
    into = folder.parent / "onnx"
    into.mkdir()
    return convert_checkpoint(folder, "open_clip", into)


def test_timms_files_beside_those_of_open_clip_are_not_taken_for_a_checkpoint_of_transformers(tmp_path: Path) -> None:
    write_open_clip(tmp_path / "clip", CONFIG)
    write_json(tmp_path / "clip/config.json", {"architecture": "vit_base_patch32_clip_224", "num_features": 48})
    save_file({"head.weight": torch.zeros(1)}, tmp_path / "clip/model.safetensors")
    fetched = fetch(str(tmp_path / "clip"))
    assert fetched.layout.name == "open_clip"
    assert make_draft(fetched, "clip", tmp_path).manifest["dimension"] == 48


@pytest.mark.parametrize(
    ("config", "kind"),
    [(CONFIG, "safetensors"), (changed("model_cfg", quick_gelu=True), "open_clip_pytorch_model.bin")],
)
def test_the_graphs_say_what_open_clips_arithmetic_says(config: dict[str, Any], kind: str, tmp_path: Path) -> None:
    model = write_open_clip(tmp_path / "clip", config, kind=kind)
    draft = convert(tmp_path / "clip")
    encoder = open_draft(draft)
    assert draft.original is not None
    rows = [draft.original.token_ids(text) for text in TEXTS]
    ids = torch.tensor([row + [0] * (77 - len(row)) for row in rows])
    texts = model.encode_text(ids).numpy()
    assert cosines(encoder.embed_texts(TEXTS), texts).min() >= 0.99999
    assert cosines(draft.original.embed_texts(TEXTS), texts).min() >= 0.99999
    pixels = [encoder.prepare(picture) for picture in noise(5)]
    pictures = model.encode_image(torch.from_numpy(np.stack(pixels))).numpy()
    assert cosines(encoder.embed_pixels(pixels), pictures).min() >= 0.99999
    assert cosines(draft.original.embed_images(noise(5)), pictures).min() >= 0.99999
    assert cosines(pictures[1:], pictures[:-1]).max() < 0.999
    assert draft.manifest["logit_scale"] == pytest.approx(np.exp(3.9), rel=1e-5)
    assert draft.manifest["image"]["mean"] == [0.48, 0.45, 0.4]


def test_pictures_are_cut_where_torchvision_cuts_them(tmp_path: Path) -> None:
    model = write_open_clip(tmp_path / "clip", CONFIG)
    draft = convert(tmp_path / "clip")
    assert draft.original is not None
    # 67 columns are three too many: torchvision cuts off two of them on the left, transformers one.
    picture = Image.effect_noise((67, 64), 90).convert("RGB")
    values = np.asarray(picture.crop((2, 0, 66, 64)), np.float32).transpose(2, 0, 1) / 255
    mean, std = (np.array(CONFIG["preprocess_cfg"][key], np.float32)[:, None, None] for key in ("mean", "std"))
    expected = model.encode_image(torch.from_numpy((values - mean) / std)[None]).numpy()
    assert cosines(draft.original.embed_images([picture]), expected).min() >= 0.99999
    encoder = open_draft(draft)
    assert cosines(encoder.embed_pixels([encoder.prepare(picture)]), expected).min() >= 0.99999


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (changed("vision_cfg", timm_model_name="convnext_base"), "convnext_base of timm"),
        (changed("vision_cfg", layers=[3, 4, 6, 3]), "a ResNet"),
        (changed("model_cfg", multimodal_cfg={"width": 512}), "a CoCa"),
        (changed("text_cfg", hf_model_name="roberta-base"), "text_cfg.hf_model_name is roberta-base"),
        (changed("text_cfg", no_causal_mask=True), "text_cfg.no_causal_mask is True"),
        (changed("vision_cfg", attentional_pool=True), "vision_cfg.attentional_pool is True"),
        (changed("preprocess_cfg", resize_mode="longest"), "pads pictures"),
        (changed("vision_cfg", layers=4), "not those that open_clip_config.json describes"),
    ],
)
def test_what_cannot_be_repeated_exactly_is_refused_in_a_sentence(
    config: dict[str, Any], words: str, tmp_path: Path
) -> None:
    write_open_clip(tmp_path / "clip", CONFIG)
    write_json(tmp_path / "clip" / "open_clip_config.json", config)
    with pytest.raises(ModelError, match=words):
        convert(tmp_path / "clip")


def test_options_that_only_say_the_usual_are_no_reason_to_refuse(tmp_path: Path) -> None:
    config = changed("vision_cfg", pool_type="tok", patch_dropout=0.5, attentional_pool=False)
    write_open_clip(tmp_path / "clip", config)
    assert convert(tmp_path / "clip").manifest["dimension"] == 48


def test_damaged_weights_are_refused_in_a_sentence(tmp_path: Path) -> None:
    write_open_clip(tmp_path / "clip", CONFIG)
    path = tmp_path / "clip" / "open_clip_model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"open_clip_model\.safetensors cannot be read. Download it again"):
        convert(tmp_path / "clip")
