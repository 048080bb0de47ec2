"""How a published model prepares pictures: its own configuration, as the keys of the manifest's table [image]."""

from collections.abc import Mapping
from typing import Any

from server.errors import ModelError

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)
WHITE = [255, 255, 255]

# Pillow's numbers, which transformers writes, and the names that open_clip writes.
_FILTERS: dict[Any, str] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
_NAMES = set(_FILTERS.values())

# Keys that change the pixels and that no manifest key stands for.
_UNKNOWN_STEPS = ("crop_pct", "rescale_offset", "do_reduce_labels", "do_split_image", "do_flip_channel_order")


def read_preprocessing(config: Mapping[str, Any]) -> dict[str, Any]:
    """A preprocessor's configuration -> keys of the manifest's table [image], from `size` to `std`.

    config: preprocessor_config.json or processor_config.json of transformers (CLIP, SigLIP and alike),
    preprocess_cfg.json or open_clip_config.json of open_clip. Raises ModelError, in a sentence, for what the manifest
    cannot say exactly: nothing is approximated.
    """
    try:
        if "preprocess_cfg" in config:
            return _open_clip(config["preprocess_cfg"], config.get("model_cfg") or {})
        if "image_processor" in config:
            return read_preprocessing(config["image_processor"])
        if "resize_mode" in config or ("image_mean" not in config and "mean" in config):
            return _open_clip(config, {})
        return _transformers(config)
    except (TypeError, ValueError, KeyError, AttributeError) as exc:
        raise ModelError("The model's configuration of its image preprocessing is not one that is understood.") from exc


def _refuse(what: str) -> ModelError:
    return ModelError(f"The model prepares pictures in a way that Vitrine cannot repeat exactly: {what}.")


def _transformers(config: Mapping[str, Any]) -> dict[str, Any]:
    """CLIPImageProcessor, SiglipImageProcessor and what has their keys."""
    kind = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    if "patch_size" in config and "max_num_patches" in config:
        raise _refuse("it cuts them into a varying number of patches (NaFlex)")
    for key in _UNKNOWN_STEPS:
        if config.get(key):
            raise _refuse(f"{key} is {config[key]}")
    if not config.get("do_resize", True):
        raise _refuse("it does not resize them")
    siglip = kind.startswith("Siglip")
    crops = bool(config.get("do_center_crop", not siglip))
    return {
        **_geometry(config.get("size", 224), config.get("crop_size", 224) if crops else None, square=siglip),
        "background": WHITE,
        "interpolation": _interpolation(config.get("resample", 3)),
        **_scaling(config, HALF if siglip else CLIP_MEAN, HALF if siglip else CLIP_STD),
    }


def _geometry(size: Any, crop: Any, *, square: bool) -> dict[str, Any]:
    """size, resize and shortest_edge. square: a bare number stands for both sides, not for the shortest."""
    if not isinstance(size, Mapping):
        size = {"height": size, "width": size} if square else {"shortest_edge": size}
    if crop is not None:
        crop = _side(crop)
    if set(size) == {"height", "width"}:
        side = _side(size)
        if crop not in (None, side):
            raise _refuse(f"it squashes them to {side} pixels and crops them to {crop}")
        return {"size": side, "resize": "squash"}
    if set(size) != {"shortest_edge"}:
        raise _refuse(f"it resizes them by {', '.join(sorted(size))}")
    shortest = int(size["shortest_edge"])
    if crop is None:
        raise _refuse("it leaves them oblong")
    if crop > shortest:
        raise _refuse(f"it resizes them to {shortest} pixels and then crops a larger square of {crop}")
    geometry = {"size": crop, "resize": "crop"}
    return geometry if crop == shortest else geometry | {"shortest_edge": shortest}


def _side(size: Any) -> int:
    """A number, [height, width] or {"height", "width"} -> the side of a square. Raises ModelError for oblong ones."""
    if isinstance(size, Mapping):
        size = [size["height"], size["width"]] if "height" in size else size["shortest_edge"]
    height, width = size if isinstance(size, list | tuple) else (size, size)
    if height != width:
        raise _refuse(f"it makes them {width} pixels wide and {height} high")
    return int(height)


def _scaling(config: Mapping[str, Any], mean: tuple[float, ...], std: tuple[float, ...]) -> dict[str, Any]:
    """mean and std for pixels scaled to 0..1, whatever factor the original multiplies by first."""
    factor = float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0
    mean, std = config.get("image_mean") or mean, config.get("image_std") or std
    if not config.get("do_normalize", True):
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    by_255 = factor * 255
    if abs(by_255 - 1) < 1e-6:
        by_255 = 1.0
    return {"mean": [float(value) / by_255 for value in mean], "std": [float(value) / by_255 for value in std]}


def _interpolation(value: Any) -> str:
    name = _FILTERS.get(value, value) if isinstance(value, int) else str(value).lower()
    if name not in _NAMES:
        raise _refuse(f"it resizes with the filter {value}")
    return str(name)


def _open_clip(config: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """open_clip's preprocess_cfg; older files leave the size to `model` and all else to open_clip's defaults."""
    size = config.get("size") or (model.get("vision_cfg") or {}).get("image_size") or 224
    mode = config.get("resize_mode") or "shortest"
    resize = {"shortest": "crop", "longest": "pad", "squash": "squash"}.get(mode)
    if resize is None:
        raise _refuse(f"resize_mode is {mode}")
    if config.get("mode", "RGB") != "RGB":
        raise _refuse(f"it takes them as {config['mode']} and not as RGB")
    fill = config.get("fill_color", 0)
    fill = [int(value) for value in fill] if isinstance(fill, list | tuple) else [int(fill)] * 3
    return {
        "size": _side(size),
        "resize": resize,
        # torchvision crops for open_clip, and rounds.
        **({"crop_offset": "rounded"} if resize == "crop" else {}),
        "background": fill if resize == "pad" else WHITE,
        "interpolation": _interpolation(config.get("interpolation") or "bicubic"),
        "mean": [float(value) for value in config.get("mean") or CLIP_MEAN],
        "std": [float(value) for value in config.get("std") or CLIP_STD],
    }
