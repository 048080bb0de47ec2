"""Ready pairs of ONNX graphs to drafts, without torch: transformers.js, immich, and any pair with a manifest."""

import shutil
from pathlib import Path
from typing import Any

from server.embedding.manifest import MANIFEST_FILE
from server.embedding.tokenizer import TextTokenizer
from server.errors import ModelError
from server.model_store.checkpoints.family import FAMILIES
from server.model_store.draft import Draft
from server.model_store.external_data import external_files, rename_external
from server.model_store.graph_facts import ImageFacts, TextFacts, image_facts, text_facts
from server.model_store.layouts import published_precision
from server.model_store.licence import read_licence
from server.model_store.preprocessing import read_preprocessing
from server.model_store.source_manifest import draft_with_manifest
from server.model_store.sources import Fetched
from server.model_store.text_files import (
    canonicalise,
    load_tokenizer_file,
    read_json,
    read_text_rules,
    wants_lower_case,
)
from server.model_store.unpadded import runs_unpadded

TEXT, IMAGE, TOKENIZER = "text.onnx", "image.onnx", "tokenizer.json"
_OUR_NAMES = {TEXT, IMAGE, TOKENIZER, MANIFEST_FILE}

# transformers' own defaults, which its configuration files leave out.
_DEFAULT_LENGTHS = {"clip": 77, "siglip": 64, "siglip2": 64}

# What open_clip calls the token that a text is read at.
_POOLINGS = {"argmax": "end", "eos": "end", "last": "last", "first": "first"}

# open_clip's ways to clean a text. The tokenizers of these models take white space as "whitespace" leaves it.
_CLEANINGS = ("whitespace", "lower", "canonicalize")

# CLIP's learned temperature is clipped at 100, and published models end there or near it. Graphs do not hold it, and no
# ranking depends on it.
LOGIT_SCALE = 100.0


def draft_ready(fetched: Fetched, name: str, into: Path) -> Draft:
    """Copy the graphs and the tokenizer into the folder `into` and say what they mean. Raises ModelError, OSError."""
    if fetched.layout.name == "manifest":
        return draft_with_manifest(fetched.folder, name, into)
    if fetched.layout.name == "immich":
        return _immich(fetched, name, into)
    return _transformers_js(fetched, name, into)


def _transformers_js(fetched: Fetched, name: str, into: Path) -> Draft:
    folder = fetched.folder
    text, image = (fetched.layout.graph(f"onnx/{tower}_model") for tower in ("text", "vision"))
    further = _copy_graphs(folder / text, folder / image, into)
    _copy(folder / "tokenizer.json", into / TOKENIZER)
    config = read_json(folder / "config.json")
    prepares = read_json(folder / "preprocessor_config.json") or read_json(folder / "processor_config.json")
    if not prepares:
        raise ModelError("The model has no preprocessor_config.json, so pictures cannot be prepared for it.")
    kind = str(config.get("model_type", ""))
    text_config = config.get("text_config") or {}
    longest = text_config.get("max_position_embeddings") or _DEFAULT_LENGTHS.get(kind)
    rules = read_json(folder / "tokenizer_config.json")
    causal = kind == "clip"
    tables = _tables(folder, into, longest=longest, causal=causal, tokenizer_config=rules, preprocessing=prepares)
    tables["text"]["pooling"] = FAMILIES[kind].pooling if kind in FAMILIES else None
    tables["text"]["precision"] = published_precision(text)
    tables["image"]["precision"] = published_precision(image)
    return Draft(into, _top(fetched, name, tables, further))


def _immich(fetched: Fetched, name: str, into: Path) -> Draft:
    folder = fetched.folder
    further = _copy_graphs(folder / "textual/model.onnx", folder / "visual/model.onnx", into)
    config = read_json(folder / "config.json")
    text_config = (config.get("model_cfg") or config).get("text_cfg") or {}
    tokenizer = load_tokenizer_file(folder / "textual/tokenizer.json")
    clean = (text_config.get("tokenizer_kwargs") or {}).get("clean", "whitespace")
    if clean not in _CLEANINGS:
        raise ModelError(
            f"The model cleans texts in a way that Vitrine does not know (tokenizer_kwargs.clean is {clean})."
        )
    if clean == "canonicalize":
        canonicalise(tokenizer)
        tokenizer.save(str(into / TOKENIZER))
    else:
        _copy(folder / "textual/tokenizer.json", into / TOKENIZER)
    prepares = read_json(folder / "visual/preprocess_cfg.json")
    if not prepares:
        raise ModelError("The model has no visual/preprocess_cfg.json, so pictures cannot be prepared for it.")
    causal = "hf_model_name" not in text_config and not text_config.get("no_causal_mask")
    longest = text_config.get("context_length")
    rules = read_json(folder / "textual/tokenizer_config.json") | ({"do_lower_case": True} if clean == "lower" else {})
    tables = _tables(
        folder / "textual", into, longest=longest, causal=causal, tokenizer_config=rules, preprocessing=prepares
    )
    if "hf_model_name" not in text_config:
        tables["text"]["pooling"] = _POOLINGS.get(text_config.get("pool_type", "argmax"))
    return Draft(into, _top(fetched, name, tables, further))


def _tables(
    rules_folder: Path,
    into: Path,
    *,
    longest: int | None,
    causal: bool,
    tokenizer_config: dict[str, Any],
    preprocessing: dict[str, Any],
) -> dict[str, Any]:
    """The tables [text] and [image] and the dimension. causal: whether the model may be, which running it decides."""
    rules = read_text_rules(rules_folder)
    image = read_preprocessing(preprocessing)
    context = longest or rules.limit
    if context is None:
        raise ModelError("No file of the model says how many tokens a text may have (max_position_embeddings).")
    text = text_facts(into / TEXT, context, rules.end_id)
    context = text.length or context
    picture = image_facts(into / IMAGE, image["size"])
    if text.dimension != picture.dimension:
        raise ModelError(
            f"The text graph gives vectors of {text.dimension} numbers and the image graph of {picture.dimension}. "
            "They do not belong together."
        )
    tokenizer = load_tokenizer_file(into / TOKENIZER)
    lowercase = wants_lower_case(tokenizer, tokenizer_config)
    encode = TextTokenizer(tokenizer, context, rules.end, lowercase=lowercase).encode
    may = causal and text.length is None
    return {
        "dimension": text.dimension,
        "text": {
            "file": TEXT,
            "tokenizer": TOKENIZER,
            "context_length": context,
            "causal": may and runs_unpadded(into / TEXT, text, encode, rules.pad_id, context),
            "end_token": rules.end,
            "pad_id": rules.pad_id,
            "lowercase": lowercase,
            **_ports(text),
            "mask": text.mask,
        },
        "image": {"file": IMAGE, **image, **_ports(picture)},
    }


def _ports(facts: TextFacts | ImageFacts) -> dict[str, Any]:
    return {"input": facts.input, "output": facts.output, "batch": facts.batch}


def _top(fetched: Fetched, name: str, tables: dict[str, Any], further: list[str]) -> dict[str, Any]:
    return {
        "format": 1,
        "name": name,
        "revision": fetched.revision,
        "dimension": tables.pop("dimension"),
        "precision": "float32",
        "licence": read_licence(fetched.folder, read_json(fetched.folder / "config.json")),
        "source": fetched.source,
        "logit_scale": LOGIT_SCALE,
        **tables,
        "files": dict.fromkeys(further, ""),
    }


def _copy_graphs(text: Path, image: Path, into: Path) -> list[str]:
    """Copy two graphs and the weights that they keep outside themselves. Returns the names of these files.

    Graphs of two folders often call their weights alike (torch.onnx.export: model.onnx.data); each gets names of its
    own then, in the files and in the graph.
    """
    outside: dict[Path, set[str]] = {}
    for graph, name in ((text, TEXT), (image, IMAGE)):
        _copy(graph, into / name)
        outside[graph] = external_files(graph)
    alike = outside[text] & outside[image] if text.parent != image.parent else set()
    further: dict[str, None] = {}
    for graph, name in ((text, TEXT), (image, IMAGE)):
        own = {
            file: f"{Path(name).stem}-{file}" if file in alike | _OUR_NAMES else file for file in sorted(outside[graph])
        }
        for file, kept_as in own.items():
            if not (graph.parent / file).is_file():
                raise ModelError(
                    f"{graph.name} keeps weights in {file}, which is not beside it. Download that file too."
                )
            _copy(graph.parent / file, into / kept_as)
            further[kept_as] = None
        if any(file != kept_as for file, kept_as in own.items()):
            rename_external(into / name, own)
    return list(further)


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise ModelError(f"The model has no {source.name}, which its layout needs.", path=str(source))
    shutil.copyfile(source, target)
