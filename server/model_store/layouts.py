"""How models are laid out where they are published: which layout it is, and which of its files are needed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from server.embedding.manifest import MANIFEST_FILE
from server.errors import ModelError
from server.model_store.checkpoints.family import FAMILIES

# The folder that sentence-transformers keeps a CLIP in; newer versions of it keep it beside modules.json.
CLIP_MODULE = "0_CLIPModel/"

# Small files that tell how texts and pictures are prepared; a model has those that it needs.
_SMALL = (
    "config.json", "README.md", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json",
    "merges.txt", "vocab.txt", "spiece.model", "tokenizer.model", "preprocessor_config.json", "processor_config.json",
)  # fmt: skip

# What tells people about a model.
_ABOUT = ("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt")

# The better one first. open_clip's repositories hold others too, which the converter does not read.
OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")

# The best graph of a pair first: full precision can be measured against, the others are taken as they are.
VARIANTS = ("", "_fp32", "_quantized", "_int8", "_uint8", "_fp16")
QUANTISED = ("_quantized", "_int8", "_uint8")

# What immich keeps beside its graphs for other processors.
_OTHER_RUNTIMES = (".armnn", ".rknn", ".tflite")

UNDERSTOOD = (
    "a checkpoint in the transformers layout (config.json, model.safetensors), in that of sentence-transformers "
    f"(modules.json, {CLIP_MODULE}) or of open_clip (open_clip_config.json), a pair of ONNX graphs as transformers.js "
    "has them (onnx/text_model.onnx, onnx/vision_model.onnx) or as immich has them (textual/model.onnx, "
    f"visual/model.onnx), or any pair of graphs with a {MANIFEST_FILE}"
)

Read = Callable[[str], Mapping[str, Any]]


def _unread(_: str) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Layout:
    """A layout that was recognised. files: those that are needed, by their path. converts: needs the extra [models]."""

    name: str
    files: tuple[str, ...]
    converts: bool = False

    def graph(self, stem: str) -> str:
        """The one graph whose path begins so."""
        return next(name for name in self.files if name.startswith(stem) and name.endswith(".onnx"))


def find_layout(names: Iterable[str], read: Read = _unread) -> Layout:
    """The layout of a folder or repository that holds these files, ready graphs before checkpoints.

    names: paths with forward slashes. read: the JSON object in one of them, asked for where names alone do not decide.
    Raises ModelError with a sentence that lists what is understood.
    """
    present = set(names)
    for detect in _DETECTORS:
        layout = detect(present)
        if layout is not None:
            # timm lays a config.json and weights of its own beside those of open_clip.
            other = open_clip(present) if layout.name == "transformers" else None
            if other is not None and read("config.json").get("model_type") not in FAMILIES:
                return other
            return layout
    raise ModelError(f"There is no model of a layout that Vitrine understands. It understands {UNDERSTOOD}.")


def lacking(names: Iterable[str]) -> str:
    """What a part of a model lacks, as far as the files that are there tell; with a verb."""
    present = set(names)
    if MANIFEST_FILE in present:
        return f"files that its {MANIFEST_FILE} names are"
    towers = [[f"onnx/{tower}_model.onnx" for tower in ("text", "vision")], ["textual/model.onnx", "visual/model.onnx"]]
    for pair in towers:
        absent = [name for name in pair if _best(present, name.removesuffix(".onnx")) is None]
        if len(absent) == 1:
            return f"{absent[0]} is"
    if "open_clip_config.json" in present:
        return f"{OPEN_CLIP_WEIGHTS[0]} is"
    return "its weights or graphs are"


def with_manifest(present: set[str]) -> Layout | None:
    """Any pair of graphs with a manifest of ours, and its card. The manifest has to be read for the files it names."""
    if MANIFEST_FILE not in present:
        return None
    return Layout("manifest", (MANIFEST_FILE, *(name for name in _ABOUT if name in present)))


def transformers_js(present: set[str]) -> Layout | None:
    """Xenova/*: onnx/text_model.onnx and onnx/vision_model.onnx beside config.json and tokenizer.json."""
    pair = [_best(present, f"onnx/{tower}_model") for tower in ("text", "vision")]
    if None in pair:
        return None
    graphs = [name for name in pair if name is not None]
    beside = {name for name in present for graph in graphs if _is_external(name, graph)}
    return Layout("transformers.js", (*_small(present), *graphs, *sorted(beside)))


def immich(present: set[str]) -> Layout | None:
    """immich-app/*: textual/model.onnx and visual/model.onnx, each with its configuration."""
    if not {"textual/model.onnx", "visual/model.onnx"} <= present:
        return None
    inside = (
        name
        for name in present
        if name.startswith(("textual/", "visual/")) and name.count("/") == 1 and not name.endswith(_OTHER_RUNTIMES)
    )
    return Layout("immich", (*_small(present), *sorted(inside)))


def sentence_transformers(present: set[str]) -> Layout | None:
    """sentence-transformers/clip-*: modules.json and a transformers CLIP in 0_CLIPModel/ or beside it."""
    if "modules.json" not in present:
        return None
    tops = [name for name in ("README.md", "modules.json", "config_sentence_transformers.json") if name in present]
    for folder in (CLIP_MODULE, ""):
        inner = transformers({name.removeprefix(folder) for name in present if name.startswith(folder)})
        if inner is not None:
            files = dict.fromkeys((*tops, *(folder + name for name in inner.files)))
            return Layout("sentence-transformers", tuple(files), converts=True)
    return None


def open_clip(present: set[str]) -> Layout | None:
    """open_clip's own: open_clip_config.json and open_clip_model.safetensors or open_clip_pytorch_model.bin."""
    weights = [name for name in OPEN_CLIP_WEIGHTS if name in present]
    if "open_clip_config.json" not in present or not weights:
        return None
    return Layout("open_clip", (*_small(present), "open_clip_config.json", weights[0]), converts=True)


def transformers(present: set[str]) -> Layout | None:
    """config.json and the weights, whole or in shards."""
    if "config.json" not in present:
        return None
    for stem, suffix in (("model", ".safetensors"), ("pytorch_model", ".bin")):
        whole, index = f"{stem}{suffix}", f"{stem}{suffix}.index.json"
        if whole in present:
            return Layout("transformers", (*_small(present), whole), converts=True)
        if index in present:
            shards = sorted(name for name in present if name.startswith(f"{stem}-") and name.endswith(suffix))
            return Layout("transformers", (*_small(present), index, *shards), converts=True)
    return None


# open_clip's repositories often hold a transformers config.json too, and only one set of weights is wanted.
_DETECTORS: tuple[Callable[[set[str]], Layout | None], ...] = (
    with_manifest,
    transformers_js,
    immich,
    sentence_transformers,
    transformers,
    open_clip,
)


def published_precision(graph: str) -> str:
    """Precision of a graph of transformers.js, which its name tells."""
    stem = graph.removesuffix(".onnx")
    if stem.endswith(QUANTISED):
        return "int8"
    return "float16" if stem.endswith("_fp16") else "float32"


def _small(present: set[str]) -> list[str]:
    return [name for name in _SMALL if name in present]


def _best(present: set[str], stem: str) -> str | None:
    return next((f"{stem}{variant}.onnx" for variant in VARIANTS if f"{stem}{variant}.onnx" in present), None)


def _is_external(name: str, graph: str) -> bool:
    # model.onnx_data, model.onnx_data_1 and model.onnx.data hold the weights of graphs above 2 GB.
    return name.startswith((f"{graph}_data", f"{graph}.data"))
