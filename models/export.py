"""Turn a checkpoint into a model directory that the server reads.

    python -m models.export models/runs/default --catalogue FILE [FILE ...] [--quick]

Writes manifest.toml, text.onnx, image.onnx, tokenizer.json and README.md, after checking that the graphs say what the
network says.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from models.bias import Group, judge_groups
from models.captions import draw_caption
from models.card import describe_model, write_card
from models.config import Config
from models.data import split_real
from models.drawn import HELD_OUT_SEED, drawn_items, load_drawn
from models.encoders import OnnxEncoder, TorchEncoder, Vectors
from models.evaluate import judge_drawn, judge_fashion, judge_types
from models.graphs import shrink_convolutions, trace_image, trace_text
from models.items import Item
from models.network import DualEncoder, build_network
from models.pictures import normalise
from server.embedding.clip import ClipEncoder
from server.embedding.manifest import read_manifest
from server.model_store.golden import golden_table
from server.model_store.manifest_file import with_digests, write_manifest
from server.model_store.quantise import quantise

HERE = Path(__file__).resolve().parent
CALIBRATION_ITEMS = 600  # of each source
PARITY_ITEMS = 48
LEAST_PARITY = 0.9999  # of the float32 graphs; a lower cosine means a mistake in the export
DRAWN = 1000

# What export_graphs calls its figures -> what the manifest of any model does.
PARITY_KEYS = {
    "text float32": "parity_text_float32",
    "text int8": "parity_text",
    "image float32": "parity_image_float32",
    "image int8": "parity_image",
}


@dataclass(frozen=True)
class ForCard:
    """What the checkpoint does not know: how many drawn pictures there were, and a sentence on what came before."""

    drawn: int
    past: str = ""


@dataclass
class Trained:
    """A checkpoint, ready to embed."""

    config: Config
    network: DualEncoder
    tokenizer: Tokenizer
    facts: dict[str, float]


def load_run(folder: Path) -> Trained:
    """Read checkpoint.pt and tokenizer.json of a run."""
    state: dict[str, Any] = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
    config = Config.from_dict(state["config"])
    network = build_network(config.network, config.training)
    network.load_state_dict(state["network"])
    network.requires_grad_(False).eval()
    facts = {
        "minutes": state["seconds"] / 60,
        "steps": state["step"],
        "image_params": sum(p.numel() for p in network.image.parameters()) / 1e6,
        "text_params": sum(p.numel() for p in network.text.parameters()) / 1e6,
    }
    return Trained(config, network, Tokenizer.from_file(str(folder / "tokenizer.json")), facts)


def worst_cosine(left: Vectors, right: Vectors) -> float:
    """The lowest cosine between rows of unit length."""
    return float((left * right).sum(1).min())


def run_graph(path: Path, name: str, inputs: Sequence[NDArray[Any]]) -> Vectors:
    """Run a graph on each input and stack what comes out."""
    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {name: value})[0] for value in inputs])


def export_graphs(trained: Trained, folder: Path, items: Sequence[Item]) -> dict[str, float]:
    """Write text.onnx and image.onnx; returns the worst cosines of both, in float32 and in int8, over the items."""
    draw = random.Random(1)
    texts = [draw_caption(item.subject, draw).text for item in items]
    ids = [np.array([encoding.ids], np.int64) for encoding in trained.tokenizer.encode_batch(texts)]
    pixels = np.stack([item.pixels for item in items])
    values = [normalise(pixels, trained.config.pixels.mean, trained.config.pixels.std)]
    exact = TorchEncoder(trained.network, trained.tokenizer, trained.config, exact=True)
    right = {"text": exact.embed_texts(texts), "image": exact.embed_pictures(pixels)}
    parity: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        for tower, inputs, key in (("text", ids, "input_ids"), ("image", values, "pixel_values")):
            plain, source = Path(name) / f"{tower}-plain.onnx", Path(name) / f"{tower}.onnx"
            if tower == "text":
                trace_text(trained.network, plain, byte_table=False)
                trace_text(trained.network, source, byte_table=True)
            else:
                trace_image(trained.network, trained.config.network.image_size, plain)
                shutil.copyfile(plain, source)
            quantise(source, folder / f"{tower}.onnx")
            shrink_convolutions(folder / f"{tower}.onnx")
            parity[f"{tower} float32"] = worst_cosine(right[tower], run_graph(plain, key, inputs))
            parity[f"{tower} int8"] = worst_cosine(right[tower], run_graph(folder / f"{tower}.onnx", key, inputs))
            if parity[f"{tower} float32"] < LEAST_PARITY:
                raise SystemExit(
                    f"The {tower} graph differs from the network: cosine {parity[f'{tower} float32']:.6f}."
                )
    return parity


def calibrate(encoder: OnnxEncoder, items: Sequence[Item]) -> tuple[Vectors, Vectors]:
    """Means of the embeddings of one caption of each item, and of the pictures, (dimension,) each."""
    draw = random.Random(2)
    texts = encoder.embed_texts([draw_caption(item.subject, draw).text for item in items])
    pictures = encoder.embed_pictures(np.stack([item.pixels for item in items]))
    return texts.mean(0), pictures.mean(0)


def select_part(items: Sequence[Item], part: str) -> list[Item]:
    """The items of one part of the mix."""
    return [item for item in items if item.part == part]


def judge_all(encoder: OnnxEncoder, held_out: Sequence[Item], drawn: bool, size: int) -> dict[str, float]:
    """The figures that can be had: of what was held out, and of the drawn catalogue if it was learned."""
    fashion, grocery = select_part(held_out, "fashion"), select_part(held_out, "grocery")
    figures = judge_fashion(encoder, fashion) if fashion else {}
    if grocery:
        figures |= {f"grocery_{name}": value for name, value in judge_types(encoder, grocery).items()}
    return figures | (judge_drawn(encoder, DRAWN, HERE / "runs", size) if drawn else {})


def export_run(run: Path, out: Path, catalogues: Sequence[Path], about: ForCard, quick: bool) -> dict[str, float]:
    """Write the whole directory. Returns parity and, unless quick, the figures of evaluate.py."""
    trained = load_run(run)
    config = trained.config
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run / "tokenizer.json", out / "tokenizer.json")
    _, held_out = split_real(catalogues, config)
    painted = drawn_items(*load_drawn(HERE / "runs", HELD_OUT_SEED, DRAWN, config.network.image_size))
    pick = random.Random(3)
    sample = [*pick.sample(held_out, min(CALIBRATION_ITEMS, len(held_out))), *pick.sample(painted, CALIBRATION_ITEMS)]
    parity = export_graphs(trained, out, pick.sample(sample, PARITY_ITEMS))
    revision = datetime.now(UTC).strftime("%Y-%m-%d.%H%M")
    scale = float(trained.network.log_scale.exp())
    measured = {PARITY_KEYS[key]: value for key, value in parity.items()}
    nothing = np.zeros(config.network.joint, np.float32)
    write_manifest(out, with_digests(describe_model(config, revision, scale, (nothing, nothing), measured), out))
    encoder = OnnxEncoder(out)
    tables = with_digests(describe_model(config, revision, scale, calibrate(encoder, sample), measured), out)
    write_manifest(out, tables)
    write_manifest(out, tables | {"golden": golden_table(ClipEncoder(read_manifest(out)))})
    figures: dict[str, float] = {}
    groups: dict[str, list[Group]] = {}
    if not quick:
        figures = judge_all(encoder, held_out, about.drawn > 0, config.network.image_size)
        fashion = select_part(held_out, "fashion")
        groups = judge_groups(encoder, fashion) if fashion else {}
    told = ", ".join(f"{name} {value:.5f}" for name, value in parity.items())
    said = {"revision": revision, "past": about.past, "parity": told}
    write_card(out, config, trained.facts | {"drawn": about.drawn}, figures, groups, said)
    return parity | figures


def main() -> None:
    """Export, and print parity and figures."""
    parser = argparse.ArgumentParser(description="Export a training run as a model directory.")
    parser.add_argument("run", type=Path, help="folder with checkpoint.pt and tokenizer.json")
    parser.add_argument("--out", type=Path, default=HERE / "default")
    parser.add_argument("--catalogue", type=Path, nargs="+", required=True, help="the catalogues trained on")
    parser.add_argument("--drawn", type=int, default=40000, help="drawn pictures trained on, for the card")
    parser.add_argument("--past", default="", help="a sentence for the card on what came before this run")
    parser.add_argument("--quick", action="store_true", help="leave the figures out")
    arguments = parser.parse_args()
    about = ForCard(arguments.drawn, arguments.past)
    print(json.dumps(export_run(arguments.run, arguments.out, arguments.catalogue, about, arguments.quick), indent=1))


if __name__ == "__main__":
    main()
