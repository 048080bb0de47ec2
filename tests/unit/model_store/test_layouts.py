"""Which layout it is, and which files of it are needed."""

import pytest

from server.errors import ModelError
from server.model_store.layouts import find_layout

SMALL = {"config.json", "README.md", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"}


def test_of_fifteen_variants_one_pair_is_taken() -> None:
    suffixes = ("", "_bnb4", "_fp16", "_int8", "_q4", "_q4f16", "_quantized", "_uint8")
    names = {f"onnx/{tower}_model{suffix}.onnx" for tower in ("text", "vision") for suffix in suffixes}
    layout = find_layout(SMALL | names | {"onnx/model.onnx", "quantize_config.json", ".gitattributes"})
    assert layout.name == "transformers.js"
    assert set(layout.files) == SMALL | {"onnx/text_model.onnx", "onnx/vision_model.onnx"}


def test_quantised_graphs_are_taken_where_there_are_no_others() -> None:
    layout = find_layout(SMALL | {"onnx/text_model_quantized.onnx", "onnx/vision_model_quantized.onnx"})
    assert {"onnx/text_model_quantized.onnx", "onnx/vision_model_quantized.onnx"} <= set(layout.files)


def test_weights_outside_a_graph_come_with_it() -> None:
    pair = {"onnx/text_model.onnx", "onnx/vision_model.onnx"}
    outside = {"onnx/vision_model.onnx_data", "onnx/vision_model.onnx_data_1", "onnx/text_model.onnx.data"}
    layout = find_layout(SMALL | pair | outside | {"onnx/text_model_fp16.onnx_data"})
    assert set(layout.files) == SMALL | pair | outside


def test_of_immich_only_what_a_processor_needs_is_taken() -> None:
    names = {
        "config.json",
        "textual/model.onnx",
        "textual/tokenizer.json",
        "visual/model.onnx",
        "visual/preprocess_cfg.json",
    }
    others = {"textual/model.armnn", "visual/model.armnn", "visual/rknpu/rk3588/model.rknn"}
    layout = find_layout(names | others)
    assert (layout.name, set(layout.files), layout.converts) == ("immich", names, False)


def test_a_checkpoint_is_one_set_of_weights() -> None:
    weights = {"model.safetensors", "pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"}
    layout = find_layout(SMALL | weights)
    assert (layout.name, layout.converts) == ("transformers", True)
    assert set(layout.files) == SMALL | {"model.safetensors"}


def test_a_checkpoint_in_shards_comes_with_its_index() -> None:
    shards = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"}
    assert set(find_layout(SMALL | shards).files) == SMALL | shards


def test_sentence_transformers_keeps_a_clip_in_a_folder() -> None:
    inner = {f"0_CLIPModel/{name}" for name in ("config.json", "model.safetensors", "vocab.json", "merges.txt")}
    layout = find_layout({"modules.json", "config_sentence_transformers.json"} | inner)
    assert layout.name == "sentence-transformers"
    assert inner | {"modules.json"} <= set(layout.files)


def test_open_clip_is_known_by_its_configuration() -> None:
    names = {"open_clip_config.json", "open_clip_model.safetensors", "open_clip_pytorch_model.bin", "tokenizer.json"}
    layout = find_layout(names)
    assert (layout.name, set(layout.files)) == ("open_clip", names - {"open_clip_pytorch_model.bin"})


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"model_type": "clip"}, "transformers"),
        ({"architecture": "vit_base_patch16_clip_224"}, "open_clip"),
        ({"model_type": "blip"}, "open_clip"),
    ],
)
def test_beside_open_clip_a_checkpoint_of_transformers_is_one_that_says_so(config: dict[str, str], name: str) -> None:
    names = {"config.json", "model.safetensors", "open_clip_config.json", "open_clip_model.safetensors"}
    assert find_layout(names | SMALL, lambda _: config).name == name


def test_newer_sentence_transformers_keep_a_clip_beside_their_modules() -> None:
    layout = find_layout(SMALL | {"modules.json", "model.safetensors", "1_Dense/model.safetensors"})
    assert layout.name == "sentence-transformers"
    assert set(layout.files) == SMALL | {"modules.json", "model.safetensors"}


def test_a_manifest_comes_before_everything() -> None:
    names = {"manifest.toml", "text.onnx", "image.onnx", "tokenizer.json", "notes/old.onnx"}
    layout = find_layout(names | {".gitattributes", "config.json", "README.md"})
    assert (layout.name, layout.files) == ("manifest", ("manifest.toml", "README.md"))


@pytest.mark.parametrize("name", ["open_clip_model.fp16.safetensors", "open_clip_pytorch_model_v2.bin"])
def test_weights_of_open_clip_that_the_converter_cannot_read_are_none(name: str) -> None:
    with pytest.raises(ModelError, match="There is no model of a layout"):
        find_layout({"open_clip_config.json", name, "tokenizer.json"})


def test_ready_graphs_come_before_a_checkpoint() -> None:
    pair = {"onnx/text_model.onnx", "onnx/vision_model.onnx"}
    assert find_layout(SMALL | pair | {"model.safetensors"}).name == "transformers.js"


@pytest.mark.parametrize("names", [set(), {"config.json"}, {"modules.json"}, {"onnx/text_model.onnx"}, {"model.gguf"}])
def test_anything_else_lists_what_is_understood(names: set[str]) -> None:
    with pytest.raises(ModelError, match=r"transformers layout.*open_clip_config\.json.*textual/model\.onnx"):
        find_layout(names)
