"""PyTorch checkpoints through the conversion: the ONNX graphs say what the checkpoint says."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'vitrine[models]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'vitrine[models]'")

import torch

from server.embedding.clip import ClipEncoder
from server.model_store.checkpoints import convert_checkpoint
from server.model_store.checkpoints import export as export_module
from server.model_store.draft import Draft
from tests.integration.model_store.drafts import cosines, noise, open_draft
from tests.integration.model_store.fuzzed_texts import fuzzed_texts
from tests.reference_models import (
    SMALL_CLIP,
    write_chinese_clip_checkpoint,
    write_clip_checkpoint,
    write_json,
    write_siglip_checkpoint,
)

LEAST = 0.99999
# ViT-B/32 itself instead of a smaller CLIP: one and a half minutes and 3 GB.
FULL_SIZE = os.environ.get("VITRINE_TEST_FULL_SIZE") == "1"


def convert(checkpoint: Path, layout: str = "transformers") -> Draft:
    into = checkpoint.parent / f"{checkpoint.name}-onnx"
    into.mkdir()
    return convert_checkpoint(checkpoint, layout, into)


@pytest.fixture(scope="module")
def clip_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip") / "clip"
    write_clip_checkpoint(folder, config=None if FULL_SIZE else SMALL_CLIP)
    return folder


@pytest.fixture(scope="module")
def clip(clip_checkpoint: Path) -> Draft:
    return convert(clip_checkpoint)


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Draft:
    folder = tmp_path_factory.mktemp("siglip") / "siglip"
    write_siglip_checkpoint(folder)
    return convert(folder)


@pytest.fixture(scope="module")
def chinese_clip(tmp_path_factory: pytest.TempPathFactory) -> Draft:
    folder = tmp_path_factory.mktemp("chinese") / "chinese"
    write_chinese_clip_checkpoint(folder)
    return convert(folder)


@pytest.fixture(params=["clip", "siglip", "chinese_clip"])
def draft(request: pytest.FixtureRequest) -> Draft:
    value: Draft = request.getfixturevalue(request.param)
    return value


@pytest.fixture
def encoder(draft: Draft) -> ClipEncoder:
    return open_draft(draft)


def texts_of_every_length(draft: Draft) -> list[str]:
    """Texts of which the original makes every number of tokens from the least to its context, and of more."""
    assert draft.original is not None
    context = draft.manifest["text"]["context_length"]
    least = len(draft.original.token_ids(""))
    words = [letter for letter in "abcdefghijklmnopqrstuvwxyz" if len(draft.original.token_ids(letter)) == least + 1]
    letters = np.random.default_rng(3).choice(words, context + 20)
    texts = [" ".join(letters[:count]) for count in range(context + 20)]
    lengths = {len(draft.original.token_ids(text)) for text in texts}
    assert lengths == set(range(least, context + 1))
    return texts


def test_texts_of_every_length_get_the_checkpoints_vector_one_by_one(draft: Draft, encoder: ClipEncoder) -> None:
    assert draft.original is not None
    texts = texts_of_every_length(draft)
    expected = draft.original.embed_texts(texts)
    found = np.stack([encoder.embed_text(text) for text in texts])
    assert cosines(found, expected).min() >= LEAST
    # Random towers tell texts apart: the vector of the next text would not have passed.
    assert np.median(cosines(found[:40], expected[1:41])) < LEAST


def test_ragged_batches_of_texts_get_the_checkpoints_vectors(draft: Draft, encoder: ClipEncoder) -> None:
    assert draft.original is not None
    texts = texts_of_every_length(draft) + fuzzed_texts(60)
    order = np.random.default_rng(4).permutation(len(texts))
    texts = [texts[place] for place in order]
    for start, stop in ((0, 1), (1, 4), (4, 12), (12, len(texts))):
        expected = draft.original.embed_texts(texts[start:stop])
        assert cosines(encoder.embed_texts(texts[start:stop]), expected).min() >= LEAST


def test_pictures_get_the_checkpoints_vectors_alone_and_in_batches(draft: Draft, encoder: ClipEncoder) -> None:
    assert draft.original is not None
    pictures = noise(20)
    expected = draft.original.embed_images(pictures)
    alone = np.stack([encoder.embed_image(picture) for picture in pictures])
    together = encoder.embed_pixels([encoder.prepare(picture) for picture in pictures])
    assert cosines(alone, expected).min() >= LEAST
    assert cosines(together, expected).min() >= LEAST
    assert np.median(cosines(alone[1:], expected[:-1])) < LEAST


def test_the_text_graph_of_a_clip_agrees_at_every_length_from_one_token_to_the_context(clip: Draft) -> None:
    from transformers import CLIPModel

    from server.embedding.ort import open_tower

    tower = open_tower(clip.folder / "text.onnx", threads=1, inputs=("input_ids",), output="embedding")
    model = CLIPModel.from_pretrained(clip.folder.parent / "clip").eval()
    end = model.config.text_config.eos_token_id
    draw = np.random.default_rng(6)
    worst = 1.0
    for length in range(1, 78):
        ids = draw.integers(0, end, (1 + length % 3, length))
        ids[:, -1] = end
        with torch.no_grad():
            features = model.get_text_features(input_ids=torch.from_numpy(ids)).pooler_output
        expected = torch.nn.functional.normalize(features, dim=-1).numpy()
        worst = min(worst, cosines(tower.run({"input_ids": ids}), expected).min())
    assert worst >= LEAST


def test_the_manifest_of_a_clip_says_what_the_checkpoint_means(clip: Draft) -> None:
    size = 224 if FULL_SIZE else 64
    text, image = clip.manifest["text"], clip.manifest["image"]
    assert (text["context_length"], text["causal"], text["pooling"]) == (77, True, "end")
    assert text["end_token"] == "<|endoftext|>"
    assert (image["size"], image["resize"], image["interpolation"]) == (size, "crop", "bicubic")
    assert image["mean"] == [0.48145466, 0.4578275, 0.40821073]
    assert clip.manifest["dimension"] == (512 if FULL_SIZE else 96)
    assert clip.manifest["logit_scale"] == pytest.approx(100, rel=1e-3)
    assert "logit_bias" not in clip.manifest


def test_the_manifest_of_a_siglip_says_what_the_checkpoint_means(siglip: Draft) -> None:
    text, image = siglip.manifest["text"], siglip.manifest["image"]
    assert (text["context_length"], text["causal"], text["pooling"], text["pad_id"]) == (64, False, "last", 1)
    assert (image["size"], image["resize"]) == (96, "squash")
    assert siglip.manifest["logit_bias"] == pytest.approx(-12.5)


def test_the_text_tower_of_a_chinese_clip_is_told_what_is_padding(chinese_clip: Draft) -> None:
    text = chinese_clip.manifest["text"]
    assert (text["context_length"], text["causal"], text["pooling"], text["end_token"]) == (52, False, "first", "[SEP]")
    assert text["mask"] == "attention_mask"
    assert chinese_clip.manifest["image"]["resize"] == "squash"


def test_a_siglip_with_gemmas_tokenizer_gets_its_texts_in_lower_case(tmp_path: Path) -> None:
    # SigLIP 2 was trained so, and its tokenizer does not do it.
    write_siglip_checkpoint(tmp_path / "siglip")
    path = tmp_path / "siglip" / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokenizer["normalizer"]["normalizers"].pop(0)
    write_json(path, tokenizer)
    settings = tmp_path / "siglip" / "tokenizer_config.json"
    write_json(settings, json.loads(settings.read_text(encoding="utf-8")) | {"tokenizer_class": "GemmaTokenizerFast"})
    draft = convert(tmp_path / "siglip")
    assert draft.manifest["text"]["lowercase"] is True
    assert draft.original is not None
    texts = ["BLUE Shirt", "blue shirt"]
    found = open_draft(draft).embed_texts(texts)
    assert np.array_equal(found[0], found[1])
    assert cosines(found, draft.original.embed_texts(texts)).min() >= LEAST


def test_an_old_configuration_that_names_no_end_token_reads_the_text_at_its_highest_id(
    clip_checkpoint: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(clip_checkpoint, tmp_path / "old")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 2
    write_json(folder / "config.json", config)
    draft = convert(folder)
    assert draft.original is not None
    texts = ["", "a", "blue shirt", "word " * 100]
    assert cosines(open_draft(draft).embed_texts(texts), draft.original.embed_texts(texts)).min() >= LEAST


def test_the_layout_of_sentence_transformers_holds_the_same_model(
    clip: Draft, clip_checkpoint: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "st"
    inner = shutil.copytree(clip_checkpoint, folder / "0_CLIPModel")
    # As published: the vocabulary and the merges, and no tokenizer.json.
    (inner / "tokenizer.json").unlink()
    module = {"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}
    (folder / "modules.json").write_text(f"[{module}]".replace("'", '"'), encoding="utf-8")
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# CLIP\n", encoding="utf-8")
    draft = convert(folder, "sentence-transformers")
    assert draft.manifest == clip.manifest | {"licence": "apache-2.0"}
    texts = ["red leather handbag", "Crème brûlée", *fuzzed_texts(30)]
    expected = open_draft(clip).embed_texts(texts)
    assert cosines(open_draft(draft).embed_texts(texts), expected).min() >= LEAST


def test_weights_that_do_not_fit_into_a_graph_stand_beside_it(
    clip_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "LARGEST_GRAPH", 1_000_000)
    folder = shutil.copytree(clip_checkpoint, tmp_path / "large")
    draft = convert(folder)
    assert {path.name for path in draft.folder.iterdir()} >= {"text.onnx", "text.onnx.data", "image.onnx.data"}
    assert (draft.folder / "text.onnx").stat().st_size < 1_000_000
    encoder = open_draft(draft)
    assert draft.original is not None
    assert cosines(encoder.embed_texts(["blue shirt"]), draft.original.embed_texts(["blue shirt"])).min() >= LEAST
    pixels = [encoder.prepare(picture) for picture in noise(2)]
    assert cosines(encoder.embed_pixels(pixels), draft.original.embed_images(noise(2))).min() >= LEAST
