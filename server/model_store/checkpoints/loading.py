"""Checkpoints in the layouts of transformers and of sentence-transformers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers as untyped_transformers

from server.errors import ModelError
from server.model_store.checkpoints.family import FAMILIES, Checkpoint
from server.model_store.licence import UNKNOWN_LICENCE, read_licence
from server.model_store.preprocessing import read_preprocessing
from server.model_store.text_files import load_tokenizer_file, read_json, wants_lower_case

transformers: Any = untyped_transformers

# Where a checkpoint names Python code of its own (auto_map) that transformers would run.
_CONFIGURATIONS = ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json")

# Modules of sentence-transformers that hold two towers, and those that leave the direction of a vector as it is.
_OWN_MODULES = "sentence_transformers."
TOWER_MODULES = {"CLIPModel", "Transformer"}
HARMLESS_MODULES = {"Normalize"}
# Any of these makes a tokenizer. transformers makes an empty one where there is none.
TOKENIZERS = (
    ("tokenizer.json",),
    ("vocab.json", "merges.txt"),
    ("vocab.txt",),
    ("spiece.model",),
    ("tokenizer.model",),
)


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, no warnings of transformers: what matters in them is checked here and said in our words."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(log.CRITICAL)
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def load_transformers(folder: Path) -> Checkpoint:
    """Read config.json, weights, tokenizer and preprocessor of one folder. Raises ModelError."""
    config = read_json(folder / "config.json", required=True)
    kind = str(config.get("model_type"))
    if kind == "siglip2":
        raise ModelError(
            "This is a SigLIP 2 of the NaFlex kind, whose pictures have no fixed size. Add one of fixed resolution, "
            "such as google/siglip2-base-patch16-224."
        )
    if not config.get("model_type"):
        raise ModelError("The checkpoint's config.json does not say of which type the model is (model_type).")
    if kind not in FAMILIES:
        raise ModelError(
            f'A model of the type "{kind}" cannot be converted. CLIP, SigLIP, SigLIP 2 and Chinese-CLIP can; any other '
            "pair of towers can be added as two ONNX graphs with a manifest."
        )
    refuse_own_code(folder)
    name = "preprocessor_config.json"
    if not (folder / name).is_file() and (folder / "processor_config.json").is_file():
        name = "processor_config.json"
    preprocessing = read_preprocessing(read_json(folder / name, required=True))
    with quiet():
        model = _load_model(folder, FAMILIES[kind].model_class)
        tokenizer = load_tokenizer(folder)
        processor = _load_processor(folder)
    bias = getattr(model, "logit_bias", None)
    return Checkpoint(
        model=model,
        family=FAMILIES[kind],
        tokenizer=tokenizer,
        tokenizer_file=tokenizer_file(folder),
        processor=processor,
        preprocessing=preprocessing,
        licence=read_licence(folder, config),
        logit_bias=None if bias is None else float(bias.detach()),
        lowercase=_wants_lower_case(folder, tokenizer),
    )


def load_sentence_transformers(folder: Path) -> Checkpoint:
    """Read the transformers model inside modules.json. Raises ModelError.

    Vectors are compared by their direction, so it does not matter whether a `Normalize` follows.
    """
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        first, *rest = ((str(module["type"]), str(module["path"])) for module in modules)
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise ModelError("The checkpoint's modules.json cannot be read. Download it again.") from exc
    if not first[0].startswith(_OWN_MODULES) or first[0].rpartition(".")[2] not in TOWER_MODULES:
        raise ModelError(f"The checkpoint's modules.json begins with {first[0][:60]}, which cannot be converted.")
    strange = [name for name in (kind.rpartition(".")[2] for kind, _ in rest) if name not in HARMLESS_MODULES]
    if strange:
        raise ModelError(f"The checkpoint puts {', '.join(strange)} behind its towers, which cannot be converted.")
    inner = (folder / first[1]).resolve()
    if not inner.is_relative_to(folder.resolve()):
        raise ModelError("The checkpoint's modules.json points outside its own folder.")
    checkpoint = load_transformers(inner)
    if checkpoint.licence == UNKNOWN_LICENCE:
        return Checkpoint(**{**vars(checkpoint), "licence": read_licence(folder, {})})
    return checkpoint


def load_tokenizer(folder: Path, tokenizer_class: str = "AutoTokenizer") -> Any:
    """The checkpoint's own tokenizer, padding on the right. Raises ModelError."""
    if not any(all((folder / name).is_file() for name in names) for names in TOKENIZERS):
        raise ModelError("The checkpoint has no tokenizer (tokenizer.json, or vocab.json and merges.txt).")
    try:
        tokenizer = _read(getattr(transformers, tokenizer_class), folder)
    except Exception as exc:  # anything at all: it needs sentencepiece, or a file is missing, or damaged
        if tokenizer_file(folder) is None:
            raise ModelError("The checkpoint's tokenizer cannot be loaded: it needs a tokenizer.json.") from exc
        try:
            tokenizer = _read(transformers.PreTrainedTokenizerFast, folder)
        except Exception as again:
            raise ModelError("The checkpoint's tokenizer.json cannot be loaded. Download it again.") from again
    settings = folder / "tokenizer_config.json"
    if read_json(settings).get("padding_side", "right") != "right":
        raise ModelError("The checkpoint pads texts on the left, which cannot be converted.")
    # Every model here was trained so, also those whose tokenizer's class has another default.
    tokenizer.padding_side = "right"
    return tokenizer


def refuse_own_code(folder: Path) -> None:
    """Refuse a checkpoint that needs code which it brings along: nothing of a source is ever run. Raises ModelError."""
    for name in _CONFIGURATIONS:
        config = read_json(folder / name)
        parts = [config, *(part for part in config.values() if isinstance(part, dict))]
        if any(part.get("auto_map") for part in parts):
            raise ModelError(
                f"The checkpoint needs Python code that it brings along (auto_map in {name}), and Vitrine runs none. "
                "Take one that transformers reads without, or two ONNX graphs with a manifest."
            )


def _read(kind: Any, folder: Path, **options: Any) -> Any:
    """from_pretrained of transformers, which would ask on the terminal whether to run a source's code."""
    return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)


def tokenizer_file(folder: Path) -> Path | None:
    """tokenizer.json, if the checkpoint has one."""
    path = folder / "tokenizer.json"
    return path if path.is_file() else None


def _wants_lower_case(folder: Path, tokenizer: Any) -> bool:
    path = tokenizer_file(folder)
    backend = load_tokenizer_file(path) if path is not None else getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and wants_lower_case(backend, read_json(folder / "tokenizer_config.json"))


def _load_model(folder: Path, model_class: str) -> Any:
    try:
        model_type = getattr(transformers, model_class)
        model, info = _read(model_type, folder, attn_implementation="eager", output_loading_info=True)
    except Exception as exc:  # a damaged file raises what its reader likes
        raise ModelError(
            "The checkpoint's weights cannot be read: a file is missing, damaged or of another model. "
            "Download it again.",
            folder=str(folder),
        ) from exc
    # transformers fills what is missing with random numbers.
    missing = sorted(info["missing_keys"])
    if missing:
        raise ModelError(f"The checkpoint lacks {len(missing)} of the model's weights, {missing[0]} among them.")
    return model.to(torch.float32).eval().requires_grad_(False)


def _load_processor(folder: Path) -> Any:
    try:
        # The processor on Pillow, as these models were trained with; the one on torchvision rounds in another way.
        return _read(transformers.AutoImageProcessor, folder, backend="pil")
    except Exception as exc:
        raise ModelError("The checkpoint's image processor cannot be loaded.", folder=str(folder)) from exc
