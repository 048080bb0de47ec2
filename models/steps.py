"""One optimiser step, and the state of a run: what is saved, and how it comes back.

Everything is computed in bfloat16 but the losses, on whatever device `pick_device` finds.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.batches import Batch
from models.clock import RunningClock
from models.config import Config
from models.network import AttributeHeads, DualEncoder, build_network, busiest_tokens
from models.objective import attribute_loss, contrastive_loss
from models.prompts import prompt_loss

TEXT_PARTS = 4  # captions are sorted by length and embedded in so many parts, so that short ones are not padded much
LARGEST_LOG_SCALE = 4.6052  # ln 100


def embed_by_length(network: DualEncoder, ids: Tensor) -> Tensor:
    """Embed padded ids (texts, length) in parts of similar length; same result as all at once."""
    lengths = (ids != 0).sum(1)
    order = lengths.argsort()
    parts = [network.embed_texts(ids[rows, : int(lengths[rows].max())]) for rows in order.chunk(TEXT_PARTS)]
    return torch.cat(parts)[order.argsort()]


def embed_together(network: DualEncoder, captions: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
    """Embed two sets of padded ids in one pass."""
    width = max(captions.shape[1], prompts.shape[1])
    padded = [functional.pad(ids, (0, width - ids.shape[1])) for ids in (captions, prompts)]
    both = embed_by_length(network, torch.cat(padded))
    return both[: len(captions)], both[len(captions) :]


def pick_device() -> torch.device:
    """A GPU where torch finds one, else the processor."""
    for name in ("cuda", "xpu", "mps"):
        backend = getattr(torch, name, None)
        if backend is not None and backend.is_available():
            return torch.device(name)
    return torch.device("cpu")


@dataclass
class Run:
    """A network in training, with all that a resumed run needs. history holds one record for each logged step.

    fresh_since: the step at which the optimisers started without a memory.
    """

    config: Config
    network: DualEncoder
    heads: AttributeHeads
    optimizers: list[torch.optim.Optimizer]
    clock: RunningClock = field(default_factory=RunningClock)
    device: torch.device = field(default_factory=pick_device)
    step: int = 0
    fresh_since: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write a checkpoint; a reader never sees half of one."""
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "config": self.config.to_dict(),
                "network": self.network.state_dict(),
                "heads": self.heads.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "seconds": self.clock.seconds,
                "step": self.step,
                "fresh_since": self.fresh_since,
                "history": self.history,
            },
            partial,
        )
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint of the same configuration.

        Attribute heads whose classes have become more or fewer since then (the demo learned a detail) start afresh.
        """
        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        fresh = self.heads.state_dict()
        kept = {name: value for name, value in state["heads"].items() if value.shape == fresh[name].shape}
        self.heads.load_state_dict(fresh | kept)
        self.clock.seconds = state["seconds"]
        self.step = state["step"]
        self.fresh_since = self.step
        if "optimizers" in state:
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
                forget_misfits(optimizer)
            self.fresh_since = state["fresh_since"]
        self.history = state["history"]


def forget_misfits(optimizer: torch.optim.Optimizer) -> None:
    """Drop what an optimiser remembers of parameters that have another shape now."""
    for parameter, memory in optimizer.state.items():
        if any(isinstance(m, Tensor) and m.ndim and m.shape != parameter.shape for m in memory.values()):
            memory.clear()


def start_run(config: Config, columns: list[int], details: int) -> Run:
    """A new run; columns and details size the attribute heads."""
    torch.manual_seed(config.training.seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", config.training.threads)))
    device = pick_device()
    network = build_network(config.network, config.training).to(device)
    # Channels last suits the convolutions; `.to()` of a module does the same, but is not typed.
    for parameter in network.image.stem.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    heads = AttributeHeads(config.network.width, columns, details).to(device)
    return Run(config, network, heads, build_optimizers(network, heads, config), device=device)


def compile_blocks(network: DualEncoder) -> None:
    """Fuse the element-wise work of every layer: on two cores a step then takes half of the processor time."""
    for block in network.image.blocks:
        block.compile()
    for block in network.text.blocks:
        block.compile(dynamic=True)


def build_optimizers(network: DualEncoder, heads: AttributeHeads, config: Config) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the transformer layers, AdamW for the rest.

    Muon (Jordan et al., 2024) makes every direction of an update equally long, which needs fewer steps than AdamW; its
    rate is scaled as in Liu et al., "Muon is Scalable for LLM Training" (2025). Norms, biases, positions, embeddings
    and the scale do not decay. Each parameter group remembers its full rate as `peak`.
    """
    training = config.training
    named = [*network.named_parameters(), *heads.named_parameters()]
    hidden = [p for name, p in named if "blocks" in name and p.ndim == 2]
    rest = [(name, p) for name, p in named if not ("blocks" in name and p.ndim == 2)]
    decays = [p for name, p in rest if p.ndim >= 2 and "position" not in name and "embedding" not in name]
    chosen = {id(p) for p in decays}
    keeps = [p for _, p in rest if id(p) not in chosen]
    low, high = training.betas
    muon = torch.optim.Muon(
        [{"params": hidden, "peak": training.hidden_learning_rate}],
        lr=training.hidden_learning_rate, weight_decay=training.weight_decay, adjust_lr_fn="match_rms_adamw",
        ns_steps=4,
    )  # fmt: skip
    adam = torch.optim.AdamW(
        [
            {"params": decays, "weight_decay": training.weight_decay, "peak": training.learning_rate},
            {"params": keeps, "weight_decay": 0.0, "peak": training.learning_rate},
        ],
        lr=training.learning_rate, betas=(low, high), fused=True,
    )  # fmt: skip
    return [muon, adam]


def take_step(run: Run, batch: Batch, factor: float, all_tokens: bool = True) -> tuple[float, float, float]:
    """Forward, backward, update at `factor` of the full rates. Returns the contrastive, attribute and prompt loss."""
    training = run.config.training
    factor *= min(1.0, (run.step - run.fresh_since + 1) / training.ramp)
    for optimizer in run.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
    network = run.network
    batch = batch.to(run.device)
    kept = None if all_tokens else busiest_tokens(batch.pixels, run.config.network.side, training.kept_tokens)
    with torch.autocast(run.device.type, torch.bfloat16):
        features = network.image(batch.pixels, kept)
        pictures = functional.normalize(network.image_projection(features).float(), dim=-1)
        texts, names = embed_together(network, batch.ids, batch.prompts.ids)
        columns, details = run.heads(features)
    contrast = contrastive_loss(pictures, texts, batch.owner, batch.fits, network.log_scale.exp())
    attributes = attribute_loss(
        columns, details, batch.labels, batch.details, batch.has_details, training.detail_weight
    )
    prompts = prompt_loss(pictures, names, batch.prompts.sets, network.log_scale.exp())
    loss = contrast + training.attribute_weight * attributes + training.prompt_weight * prompts
    for optimizer in run.optimizers:
        optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    parameters = [*network.parameters(), *run.heads.parameters()]
    nn.utils.clip_grad_norm_(parameters, training.clip)
    for optimizer in run.optimizers:
        optimizer.step()
    with torch.no_grad():
        network.log_scale.clamp_(max=LARGEST_LOG_SCALE)
    run.step += 1
    return float(contrast.detach()), float(attributes.detach()), float(prompts.detach())
