"""int8 or float32, tower by tower: decided by what int8 costs on the calibration set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from server.embedding.clip import ClipEncoder
from server.embedding.encoder import Vectors
from server.embedding.files import sha256_of
from server.embedding.manifest import ImageSpec, Manifest, TextSpec
from server.embedding.ort import Runtime
from server.errors import ModelError
from server.model_store.calibration import CalibrationSet, Embedded, agreement, embed_pictures, recall
from server.model_store.external_data import external_files
from server.model_store.quantise import METHOD, can_quantise, quantise

Choice = Literal["auto", "float32", "int8"]
Tower = Literal["text", "image"]
TOWERS: tuple[Tower, ...] = ("text", "image")
Say = Callable[[str], None]

# Of recall@10: one point.
MOST_LOSS = 0.01

# A model that finds hardly more than chance does has no recall to lose. What it still has is its order, of which int8
# may change three of ten places. Towers with random weights, ViT-B/32 among them, kept 0.83 to 0.99 of theirs.
CHANCE_FACTOR = 3.0
LEAST_AGREEMENT = 0.7

FLOAT32 = ("float32", "fp32")

# What was rounded stays rounded, and the quantiser takes float32.
_NOT_TO_BE_HAD = {("float32", "int8"), ("float32", "float16"), ("int8", "float16")}


@dataclass(frozen=True)
class Loss:
    """What int8 costs: recall@10 with and without it, and the share of top-10 lists that stay."""

    recall: float
    recall_int8: float
    agreement: float
    chance: float

    @property
    def near_chance(self) -> bool:
        """Whether recall says nothing, because the float32 model has next to none."""
        return self.recall < CHANCE_FACTOR * self.chance

    @property
    def too_much(self) -> bool:
        """Whether float32 is worth its time here."""
        if self.near_chance:
            return self.agreement < LEAST_AGREEMENT
        # A difference of exactly one point is not more than one.
        return self.recall - self.recall_int8 > MOST_LOSS + 1e-9

    def sentence(self) -> str:
        """The figures, for people."""
        words = f"recall@10 {self.recall:.3f} -> {self.recall_int8:.3f}, agreement of top-10 lists {self.agreement:.3f}"
        return f"{words} (recall is near chance, so agreement decides)" if self.near_chance else words


@dataclass(frozen=True)
class Chosen:
    """The manifest of the model as it will be installed, what it says of the set, and the figures for [measured]."""

    manifest: Manifest
    embedded: Embedded
    measured: dict[str, float]
    quantisation: str | None


def choose(manifest: Manifest, choice: Choice, pairs: CalibrationSet, runtime: Runtime, say: Say) -> Chosen:
    """Measure int8 for each tower that is float32 and keep it where it costs little, or do as `choice` says.

    manifest: of the float32 model; its folder gets the int8 graphs beside the others. Raises ModelError.
    """
    precisions = {tower: tower_precision(manifest, tower) for tower in TOWERS}
    check_choice(choice, precisions)
    full = _embed(manifest, pairs, runtime, say)
    towers = [tower for tower in TOWERS if precisions[tower] == "float32"]
    if choice == "float32" or not towers:
        return Chosen(manifest, full, {"recall": recall(full, pairs.right)}, manifest.quantisation)
    if not can_quantise():
        say("The towers stay as they are: int8 needs the package onnx (pip install 'vitrine[models]').")
        return Chosen(manifest, full, {"recall": recall(full, pairs.right)}, None)
    tried = {tower: _try_int8(manifest, tower, choice, full, pairs, runtime, say) for tower in towers}
    small = {tower: result for tower, result in tried.items() if result is not None}
    said = {tower: embedded for tower, (_, embedded) in small.items()}
    losses = {tower: _loss(full, embedded, pairs) for tower, embedded in said.items()}
    kept = [tower for tower in small if choice == "int8" or not losses[tower].too_much]
    if choice == "auto" and len(kept) == 2 and _loss(full, _together(full, said, kept), pairs).too_much:
        # Each is cheap enough alone, both are not: the one that costs more gives way.
        kept.remove(max(kept, key=lambda tower: (losses[tower].recall - losses[tower].recall_int8, tower)))
    for tower, loss in losses.items():
        verdict = "int8" if tower in kept else "stays float32"
        say(f"The {tower} tower {verdict}: {loss.sentence()}.")
    embedded = _together(full, said, kept)
    measured = _measured(losses, _loss(full, embedded, pairs))
    for tower in kept:
        manifest = _with_tower(manifest, getattr(small[tower][0], tower), tower)
    return Chosen(manifest, embedded, measured, _words(kept, {tower: tower in small for tower in towers}))


def check_choice(choice: Choice, precisions: Mapping[Tower, str]) -> None:
    """Raises ModelError where these towers cannot be had in that precision, or the package for it is missing."""
    for tower, precision in precisions.items():
        if (choice, precision) in _NOT_TO_BE_HAD:
            raise ModelError(
                f"The {tower} tower is {precision} in the source, and {choice} cannot be made of that. Leave "
                "--precision out to take it as it is, or add a source with float32 graphs."
            )
    if choice == "int8" and "float32" in precisions.values() and not can_quantise():
        raise ModelError("--precision int8 needs the package onnx: pip install 'vitrine[models]'.")


def tower_precision(manifest: Manifest, tower: Tower) -> str:
    """float32, float16 or int8."""
    precision = getattr(manifest, tower).precision or manifest.precision
    return "float32" if precision in FLOAT32 else str(precision)


def _words(kept: list[Tower], measured: dict[Tower, bool]) -> str:
    """What became int8 and what did not. measured: whether a tower's int8 graph could be made and run."""
    rest = "; ".join(
        f"the {tower} tower stays float32, "
        + ("where int8 costs more than one point of recall@10" if could else "which cannot be made int8")
        for tower, could in measured.items()
        if tower not in kept
    )
    if not kept:
        return f"none: {rest}"
    return f"{METHOD}, {' and '.join(kept)}" + (f"; {rest}" if rest else "")


def _measured(losses: dict[Tower, Loss], final: Loss) -> dict[str, float]:
    figures: dict[str, float] = {"recall_float32": final.recall, "recall": final.recall_int8, "chance": final.chance}
    figures["agreement"] = final.agreement
    for tower, loss in losses.items():
        figures[f"recall_{tower}_int8"] = loss.recall_int8
        figures[f"agreement_{tower}_int8"] = loss.agreement
    return figures


def _loss(full: Embedded, other: Embedded, pairs: CalibrationSet) -> Loss:
    return Loss(recall(full, pairs.right), recall(other, pairs.right), agreement(full, other), pairs.chance)


def _try_int8(
    manifest: Manifest, tower: Tower, choice: Choice, full: Embedded, pairs: CalibrationSet, runtime: Runtime, say: Say
) -> tuple[Manifest, Embedded] | None:
    """The model with this tower int8, and what it then says. None where that is impossible and nobody insists on it."""
    try:
        small = _with_tower(manifest, _quantised(manifest, tower, say), tower)
        return small, _said(small, tower, full, pairs, runtime)
    except ModelError as exc:
        if choice == "int8":
            raise ModelError(
                f"The {tower} tower cannot be made int8: {exc.message} Add the model with --precision float32.",
                **exc.context,
            ) from exc
        say(f"The {tower} tower stays float32, since it cannot be made int8: {exc.message}")
        return None


def _quantised(manifest: Manifest, tower: Tower, say: Say) -> TextSpec | ImageSpec:
    """Write the tower's int8 graph beside its float32 one; its part of the manifest."""
    say(f"Making the {tower} tower int8, to measure what that costs ...")
    spec: TextSpec | ImageSpec = getattr(manifest, tower)
    target = manifest.folder / f"{spec.file.removesuffix('.onnx')}-int8.onnx"
    quantise(manifest.folder / spec.file, target)
    return replace(spec, file=target.name, sha256=sha256_of(target), precision="int8")


def _with_tower(manifest: Manifest, spec: TextSpec | ImageSpec, tower: Tower) -> Manifest:
    """The manifest with this graph in place of the tower's own, and with the weights that each keeps outside itself."""
    left = external_files(manifest.folder / getattr(manifest, tower).file)
    files = {name: sha256 for name, sha256 in manifest.files.items() if name not in left}
    files |= {name: sha256_of(manifest.folder / name) for name in external_files(manifest.folder / spec.file)}
    changed: dict[str, Any] = {tower: spec}
    return replace(manifest, files=files, **changed)


def _embed(manifest: Manifest, pairs: CalibrationSet, runtime: Runtime, say: Say) -> Embedded:
    say(f"Embedding the calibration set: {len(pairs.captions)} captions, {len(pairs.pictures)} pictures ...")
    encoder = ClipEncoder(manifest, runtime)
    return Embedded(_texts(encoder, pairs), embed_pictures(encoder, pairs.pictures))


def _said(manifest: Manifest, tower: Tower, full: Embedded, pairs: CalibrationSet, runtime: Runtime) -> Embedded:
    """What the model says with this tower's int8 graph; the other tower's vectors are those that are there."""
    encoder = ClipEncoder(manifest, runtime)
    if tower == "text":
        return replace(full, texts=_texts(encoder, pairs))
    return replace(full, pictures=embed_pictures(encoder, pairs.pictures))


def _texts(encoder: ClipEncoder, pairs: CalibrationSet) -> Vectors:
    # One by one, as queries come: in a batch, an int8 tower's answer depends a little on the neighbours.
    return np.stack([encoder.embed_text(caption) for caption in pairs.captions])


def _together(full: Embedded, said: dict[Tower, Embedded], kept: list[Tower]) -> Embedded:
    return Embedded(
        texts=said["text"].texts if "text" in kept else full.texts,
        pictures=said["image"].pictures if "image" in kept else full.pictures,
    )
