"""Checkpoints in the layout of open_clip, read without it: the weights of a ViT under transformers' names.

open_clip builds many towers that transformers has not; those are refused, and so is every option that is not known
here.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPConfig, CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from server.errors import ModelError
from server.model_store.checkpoints.family import FAMILIES, Checkpoint
from server.model_store.checkpoints.loading import load_tokenizer, quiet, refuse_own_code, tokenizer_file
from server.model_store.checkpoints.tokens import NO_END_ID
from server.model_store.layouts import OPEN_CLIP_WEIGHTS
from server.model_store.licence import read_licence
from server.model_store.preprocessing import read_preprocessing
from server.model_store.text_files import read_json

# Options that are read below or matter only in training. Any other that is switched on changes what the towers compute.
MODEL_KEYS = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "custom_text", "init_logit_scale", "init_logit_bias"}
VISION_KEYS = {"image_size", "layers", "width", "patch_size", "head_width", "mlp_ratio", "patch_dropout"}
TEXT_KEYS = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio"}
USUAL = {("vision_cfg", "pool_type"): "tok", ("text_cfg", "pool_type"): "argmax", ("text_cfg", "pad_id"): 0}

_TOWERS = {
    "visual.transformer.resblocks.": "vision_model.encoder.layers.",
    "transformer.resblocks.": "text_model.encoder.layers.",
}
_IN_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_OUTSIDE = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
    "logit_scale": "logit_scale",
}
_TRANSPOSED = {"visual.proj": "visual_projection.weight", "text_projection": "text_projection.weight"}
_NO_WEIGHTS = {"attn_mask", "input_resolution", "context_length", "vocab_size", "logit_bias"}


def load_open_clip(folder: Path) -> Checkpoint:
    """Read open_clip_config.json, the weights and the tokenizer of one folder. Raises ModelError."""
    refuse_own_code(folder)
    config = read_json(folder / "open_clip_config.json", required=True)
    preprocessing = read_preprocessing(config)
    if preprocessing["resize"] == "pad":
        raise ModelError('The checkpoint pads pictures (resize_mode "longest"), which cannot be converted.')
    model_config = clip_config(config.get("model_cfg") or {})
    state = _read_weights(folder)
    bias = state.get("logit_bias")
    with quiet():
        model_class: Any = CLIPModel
        model = model_class._from_config(model_config, attn_implementation="eager")
        try:
            model.load_state_dict({name: tensor.float() for name, tensor in to_transformers(state).items()})
        except RuntimeError as exc:
            raise ModelError("The checkpoint's weights are not those that open_clip_config.json describes.") from exc
        tokenizer = load_tokenizer(folder, "CLIPTokenizer")
    return Checkpoint(
        model=model.eval().requires_grad_(False),
        family=FAMILIES["clip"],
        tokenizer=tokenizer,
        tokenizer_file=tokenizer_file(folder),
        processor=_processor(preprocessing),
        preprocessing=preprocessing,
        licence=read_licence(folder, config),
        logit_bias=None if bias is None else float(bias),
    )


def clip_config(model: Mapping[str, Any]) -> CLIPConfig:
    """open_clip's model_cfg -> CLIPConfig of the same towers. Raises ModelError for those that CLIPModel has not."""
    vision, text = model.get("vision_cfg") or {}, model.get("text_cfg") or {}
    if vision.get("timm_model_name"):
        raise _refuse(f"its image tower is {vision['timm_model_name']} of timm")
    if isinstance(vision.get("layers"), list):
        raise _refuse("its image tower is a ResNet")
    if model.get("multimodal_cfg"):
        raise _refuse("it is a CoCa")
    _check_known("model_cfg", model, MODEL_KEYS)
    _check_known("vision_cfg", vision, VISION_KEYS)
    _check_known("text_cfg", text, TEXT_KEYS)
    activation = "quick_gelu" if model.get("quick_gelu") else "gelu"
    try:
        width, text_width, joint = int(vision["width"]), int(text["width"]), int(model["embed_dim"])
        shared = {"hidden_act": activation, "projection_dim": joint, "layer_norm_eps": 1e-5}
        return CLIPConfig(
            projection_dim=joint,
            vision_config={
                **shared, "hidden_size": width, "intermediate_size": int(width * vision.get("mlp_ratio", 4)),
                "num_hidden_layers": vision["layers"], "num_attention_heads": width // vision.get("head_width", 64),
                "image_size": vision["image_size"], "patch_size": vision["patch_size"],
            },
            text_config={
                **shared, "hidden_size": text_width, "intermediate_size": int(text_width * text.get("mlp_ratio", 4)),
                "num_hidden_layers": text["layers"], "num_attention_heads": text["heads"],
                "vocab_size": text["vocab_size"], "max_position_embeddings": text["context_length"],
                "eos_token_id": NO_END_ID,
            },
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as exc:
        raise ModelError("The checkpoint's open_clip_config.json does not describe a CLIP of two ViTs.") from exc


def to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """open_clip's weights under the names of CLIPModel. Names that are not known stay as they are, and fail there."""
    out: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name in _NO_WEIGHTS:
            continue
        if name in _TRANSPOSED:
            out[_TRANSPOSED[name]] = tensor.T.contiguous()
        elif name in _OUTSIDE:
            out[_OUTSIDE[name]] = tensor
        else:
            out.update(_layer_weights(name, tensor))
    return out


def _layer_weights(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """One weight of a transformer layer; that of the attention's inputs is three in CLIPModel."""
    found = re.fullmatch(r"((?:visual\.)?transformer\.resblocks\.)(\d+)\.(.+?)([._](?:weight|bias))", name)
    if not found:
        return {name: tensor}
    start, number, part, kind = found.groups()
    layer = f"{_TOWERS[start]}{number}."
    if part == "attn.in_proj":
        names = [f"{layer}self_attn.{letter}_proj.{kind[1:]}" for letter in "qkv"]
        return dict(zip(names, (piece.contiguous() for piece in tensor.chunk(3)), strict=True))
    return {f"{layer}{_IN_LAYER.get(part, part)}{kind}": tensor}


def _refuse(why: str) -> ModelError:
    return ModelError(
        f"This open_clip checkpoint cannot be converted: {why}. ViT towers with CLIP's text tower can; the same model "
        "may be published for transformers or as ONNX."
    )


def _check_known(table: str, config: Mapping[str, Any], known: set[str]) -> None:
    for key, value in config.items():
        if key not in known and value and USUAL.get((table, key)) != value:
            raise _refuse(f"{table}.{key} is {value}")


def _read_weights(folder: Path) -> dict[str, Tensor]:
    path = next((folder / name for name in OPEN_CLIP_WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise ModelError(f"The checkpoint has neither {' nor '.join(OPEN_CLIP_WEIGHTS)}.")
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
            state = state.get("state_dict", state)
        # A checkpoint saved while training on several cards, and one of the class CustomTextCLIP.
        return {name.removeprefix("module.").removeprefix("text."): tensor for name, tensor in state.items()}
    except Exception as exc:  # a damaged file raises what its reader likes
        raise ModelError(f"The checkpoint's {path.name} cannot be read. Download it again.") from exc


class _RoundedCrop(CLIPImageProcessorPil):
    """transformers' preparation with the crop of torchvision, which rounds its offset."""

    def center_crop(self, image: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
        """(3, height, width) -> (3, size, size), its middle."""
        height, width = image.shape[-2:]
        top, left = round((height - size.height) / 2.0), round((width - size.width) / 2.0)
        return image[:, top : top + size.height, left : left + size.width]


def _processor(preprocessing: Mapping[str, Any]) -> Any:
    """transformers' processor for what open_clip does with torchvision on Pillow's pictures."""
    size = preprocessing["size"]
    square = {"height": size, "width": size}
    common = {
        "resample": {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}[preprocessing["interpolation"]],
        "image_mean": preprocessing["mean"],
        "image_std": preprocessing["std"],
    }
    if preprocessing["resize"] == "squash":
        return SiglipImageProcessorPil(size=square, **common)
    return _RoundedCrop(size={"shortest_edge": size}, crop_size=square, **common)
