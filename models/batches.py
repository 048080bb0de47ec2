"""Batches: which products, which captions, and small changes to the pixels. A batch depends only on seed and step."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from models.captions import Caption, draw_caption
from models.config import Config
from models.items import COLUMNS, Item, LabelTable
from models.network import END_ID, PAD_ID
from models.prompts import PromptBook, Prompts

SHIFT = 4  # pixels, either way
SCALES = (0.8, 1.12)
TURN = 0.1  # radians, either way
BRIGHTNESS = (0.85, 1.12)


@dataclass(frozen=True)
class Batch:
    """P pictures and T captions of them; see objective.py for owner, fits, labels and details."""

    pixels: Tensor
    ids: Tensor
    owner: Tensor
    fits: Tensor
    labels: Tensor
    details: Tensor
    has_details: Tensor
    prompts: Prompts

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        if device.type == "cpu":
            return self
        tensors = {
            f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self) if f.name != "prompts"
        }
        return Batch(**tensors, prompts=self.prompts.to(device))


def encode_captions(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> Tensor:
    """Texts -> int64 (texts, length), cut to `longest` with the end token kept, padded after it."""
    rows = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    rows = [row if len(row) <= longest else [*row[: longest - 1], END_ID] for row in rows]
    width = max(map(len, rows))
    return torch.tensor([row + [PAD_ID] * (width - len(row)) for row in rows], dtype=torch.int64)


def vary_pixels(pixels: NDArray[np.uint8], generator: torch.Generator) -> Tensor:
    """(batch, size, size, 3) uint8 -> (batch, 3, size, size) float 0..1, flipped, moved, scaled and lit at random.

    Half of the pictures keep their scale and move by whole pixels, so that fine stripes stay as sharp as they are when
    the model serves; hue is left alone, since colour is what captions speak of.
    """
    batch, size = pixels.shape[0], pixels.shape[1]
    light = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    flip = torch.where(torch.rand(batch, generator=generator) < 0.5, -1.0, 1.0)
    whole = torch.rand(batch, generator=generator) < 0.5
    low, high = SCALES
    zoom = torch.where(whole, torch.ones(batch), low + (high - low) * torch.rand(batch, generator=generator))
    moves = (torch.rand(batch, 2, generator=generator) * 2 - 1) * SHIFT
    moves = torch.where(whole[:, None], moves.round(), moves) * 2 / size
    theta = torch.zeros(batch, 2, 3)
    turn = torch.where(whole, torch.zeros(batch), (torch.rand(batch, generator=generator) * 2 - 1) * TURN)
    theta[:, 0, 0], theta[:, 0, 1] = flip * turn.cos() / zoom, -turn.sin() / zoom
    theta[:, 1, 0], theta[:, 1, 1] = flip * turn.sin() / zoom, turn.cos() / zoom
    theta[:, :, 2] = moves
    grid = functional.affine_grid(theta, [batch, 3, size, size], align_corners=False)
    light = functional.grid_sample(light, grid, mode="bilinear", padding_mode="border", align_corners=False)
    low, high = BRIGHTNESS
    factor = low + (high - low) * torch.rand(batch, generator=generator)
    return (light * factor[:, None, None, None]).clamp(0, 1)


class BatchMaker:
    """Draws batches from a list of items, in the proportions of the configuration."""

    def __init__(self, items: Sequence[Item], table: LabelTable, tokenizer: Tokenizer, config: Config) -> None:
        self.items, self.table, self.tokenizer, self.config = items, table, tokenizer, config
        self.pixels = np.stack([item.pixels for item in items])
        self.drawn = np.flatnonzero(table.drawn)
        self.real = np.flatnonzero(~table.drawn)
        kinds = table.ids[:, COLUMNS.index("kind")]
        self.by_kind = [self.drawn[kinds[self.drawn] == kind] for kind in np.unique(kinds[self.drawn])]
        self.kinds = table.ids[:, COLUMNS.index("kind")]
        self.book = PromptBook(items, table)
        self.mean = torch.tensor(config.pixels.mean)[:, None, None]
        self.std = torch.tensor(config.pixels.std)[:, None, None]

    def pick_rows(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Rows of one batch: real and drawn ones as the configuration mixes them, or all of the only kind there is."""
        training = self.config.training
        share = training.drawn_share if len(self.real) else 1.0
        drawn = min(round(training.batch * share) if len(self.drawn) else 0, len(self.drawn))
        real = min(training.batch - drawn, len(self.real))
        return np.concatenate([self.pick_real(rng, real), self.pick_drawn(rng, drawn)])

    def pick_drawn(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Half of them in groups of one kind, each kind as likely as another; the rest at random."""
        group = self.config.training.group
        rows = [np.empty(0, np.int64)]
        for place in rng.permutation(len(self.by_kind))[: count // 2 // group]:
            members = self.by_kind[place]
            rows.append(rng.choice(members, min(group, len(members)), replace=False))
        missing = count - sum(map(len, rows))
        rows.append(rng.choice(np.setdiff1d(self.drawn, np.concatenate(rows)), missing, replace=False))
        return np.concatenate(rows).astype(np.int64)

    def pick_real(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Half of them in groups of one kind, as hard negatives; a kind comes as often as it has products."""
        rows = set(rng.choice(self.real, count // 2, replace=False).tolist())
        while len(rows) < count:
            kind = self.kinds[rng.choice(self.real)]
            members = self.real[self.kinds[self.real] == kind]
            rows.update(rng.choice(members, min(self.config.training.real_group, len(members)), replace=False).tolist())
        return np.array(sorted(rows), np.int64)[rng.permutation(len(rows))[:count]]

    def make(self, step: int) -> Batch:
        """The batch of a step; the same for the same step."""
        training = self.config.training
        torch.set_num_threads(1)  # of the thread that prepares batches; the network has its own
        rng = np.random.default_rng([training.seed, step])
        draw = random.Random(int(rng.integers(2**63)))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = self.pick_rows(rng)
        owner = np.repeat(np.arange(len(rows)), training.captions)
        captions: list[Caption] = [draw_caption(self.items[rows[place]].subject, draw) for place in owner]
        long = step % training.long_every == 0
        longest = self.config.network.context if long else training.short_context
        pixels = (vary_pixels(self.pixels[rows], generator) - self.mean) / self.std
        prompts = self.book.draw(rows, step, draw)
        return Batch(
            pixels=pixels.contiguous(memory_format=torch.channels_last),
            ids=encode_captions(self.tokenizer, [caption.text for caption in captions], longest),
            owner=torch.from_numpy(owner),
            fits=torch.from_numpy(self.table.fits(captions, rows[owner], rows)),
            labels=torch.from_numpy(self.table.ids[rows].astype(np.int64)),
            details=torch.from_numpy(self.table.has[rows].astype(np.float32)),
            has_details=torch.from_numpy(self.table.drawn[rows]),
            prompts=Prompts(encode_captions(self.tokenizer, prompts.texts, longest), prompts.sets),
        )
