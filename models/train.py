"""Train a model from scratch, or go on from one.

    python -m models.train --catalogue FILE [FILE ...] --drawn 40000 --minutes 240 [--resume] [--start-from MODEL]

FILE is any catalogue that `vitrine import` reads. --resume goes on with a run that was stopped; --start-from begins a
new one with the weights of an exported model of the same sizes.
State lies in models/runs/default/, or the folder that --out names: checkpoint.pt (resumable), tokenizer.json,
log.jsonl, curve.png, pid. SIGTERM and SIGINT save and leave. The learning rate follows the seconds the run was really
running, not a number of steps.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from tokenizers import Tokenizer

from models.batches import BatchMaker
from models.clock import learning_rate_factor
from models.config import load_config
from models.data import Data, load_data, load_tokenizer
from models.encoders import TorchEncoder
from models.evaluate import judge_drawn, judge_fashion
from models.items import COLUMNS
from models.pictures import normalise
from models.steps import Run, compile_blocks, start_run, take_step
from models.warm import load_exported

HERE = Path(__file__).resolve().parent
VALIDATION_DRAWN = 1000


class Trainer:
    """The loop around steps: log, save, validate, stop."""

    def __init__(self, run: Run, data: Data, tokenizer: Tokenizer, folder: Path, minutes: float) -> None:
        self.run, self.data, self.tokenizer, self.folder = run, data, tokenizer, folder
        self.budget = minutes * 60
        self.maker = BatchMaker(data.items, data.table, tokenizer, run.config)
        self.stopping = False
        self.saved = self.validated = run.clock.seconds

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: finish the step, save, leave."""
        self.stopping = True

    def loop(self) -> None:
        """Train until the budget is spent or a signal asks to stop."""
        training = self.run.config.training
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self.maker.make, self.run.step)
            while not self.stopping and self.run.clock.seconds < self.budget:
                began = time.monotonic()
                batch = coming.result()
                coming = ahead.submit(self.maker.make, self.run.step + 1)
                progress = self.run.clock.seconds / self.budget
                factor = learning_rate_factor(progress, training.warmup)
                losses = take_step(self.run, batch, factor, all_tokens=progress >= training.all_tokens_from)
                took = time.monotonic() - began
                self.run.clock.add(took)
                if self.run.step % training.log_every == 0:
                    self.log(losses, took, training.learning_rate * factor)
                self.keep_house()
        self.run.save(self.folder / "checkpoint.pt")
        if not self.stopping:
            self.validate()
            self.run.save(self.folder / "checkpoint.pt")

    def keep_house(self) -> None:
        """Save and validate when their time has come."""
        training, seconds = self.run.config.training, self.run.clock.seconds
        if seconds - self.saved > training.save_seconds:
            self.saved = seconds
            self.run.save(self.folder / "checkpoint.pt")
        if seconds - self.validated > training.validate_seconds:
            self.validated = seconds
            began = time.monotonic()
            self.validate()
            self.run.clock.seconds += time.monotonic() - began

    def log(self, losses: tuple[float, float, float], took: float, rate: float) -> None:
        """Record one step."""
        record = {
            "step": self.run.step,
            "minutes": round(self.run.clock.seconds / 60, 2),
            "loss": round(losses[0], 4),
            "attributes": round(losses[1], 4),
            "prompts": round(losses[2], 4),
            "rate": round(rate, 7),
            "scale": round(float(self.run.network.log_scale.detach().exp()), 2),
            "images_per_second": round(self.run.config.training.batch / took, 1),
        }
        self.write(record)

    def validate(self) -> None:
        """Record held-out figures, and draw the curve."""
        encoder = TorchEncoder(self.run.network, self.tokenizer, self.run.config)
        fashion = [item for item in self.data.held_out if item.part == "fashion"]
        figures = judge_fashion(encoder, fashion) if fashion else {}
        figures.pop("fashion_products", None)
        figures.pop("types", None)
        if self.data.table.drawn.any():
            figures |= judge_drawn(encoder, VALIDATION_DRAWN, HERE / "runs", self.run.config.network.image_size)
        self.write({"step": self.run.step, "minutes": round(self.run.clock.seconds / 60, 2), **figures})
        plot_curve(self.run.history, self.folder / "curve.png")

    def write(self, record: dict[str, float]) -> None:
        """Append to the history, to log.jsonl and to the console."""
        self.run.history.append(record)
        line = json.dumps(record)
        print(line, flush=True)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(line + "\n")


def plot_curve(history: list[dict[str, float]], path: Path) -> None:
    """The loss and the held-out figures over minutes of training, as PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    logged = [record for record in history if "loss" in record]
    left.plot([r["minutes"] for r in logged], [r["loss"] for r in logged], linewidth=0.8)
    left.set(xlabel="minutes of training", ylabel="contrastive loss", title="training loss")
    judged = [record for record in history if "loss" not in record]
    for name in sorted({key for record in judged for key in record} - {"step", "minutes"}):
        known = [record for record in judged if name in record]
        right.plot([r["minutes"] for r in known], [r[name] for r in known], marker="o", label=name)
    right.set(xlabel="minutes of training", title="held out", ylim=(0, 1))
    if judged:
        right.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def start_from(run: Run, data: Data, model: Path) -> None:
    """Fill a new run's network from an exported model of the same sizes."""
    pixels = np.stack([data.items[place].pixels for place in range(0, len(data.items), len(data.items) // 512 + 1)])
    prepared = normalise(pixels, run.config.pixels.mean, run.config.pixels.std)
    with (model / "manifest.toml").open("rb") as handle:
        scale = float(tomllib.load(handle)["logit_scale"])
    load_exported(model, run.network, torch.from_numpy(prepared).to(run.device), scale)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train a model, or go on from one.")
    parser.add_argument("--config", type=Path, default=HERE / "configs" / "default.toml")
    parser.add_argument(
        "--catalogue", type=Path, nargs="*", default=[], help="catalogues, as `vitrine import` reads them"
    )
    parser.add_argument("--drawn", type=int, default=0, help="number of drawn products")
    parser.add_argument("--minutes", type=float, required=True, help="minutes of running time")
    parser.add_argument("--out", type=Path, default=HERE / "runs" / "default", help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="continue from the folder's checkpoint")
    parser.add_argument("--start-from", type=Path, help="model directory of the same sizes whose weights to go on from")
    return parser.parse_args()


def main() -> None:
    """Train, or continue."""
    arguments = read_arguments()
    config = load_config(arguments.config)
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pid").write_text(str(os.getpid()))
    data = load_data(arguments.catalogue, arguments.drawn, HERE / "runs", config)
    print(data.describe(), flush=True)
    if arguments.start_from and not (folder / "tokenizer.json").exists():
        shutil.copyfile(arguments.start_from / "tokenizer.json", folder / "tokenizer.json")
    tokenizer = load_tokenizer(folder / "tokenizer.json", data.items, config)
    # The title is the last column, and no class to learn.
    sizes = [len(data.table.names[column]) for column in COLUMNS[:-1]]
    run = start_run(config, sizes, data.table.has.shape[1])
    if arguments.resume:
        run.restore(folder / "checkpoint.pt")
    elif arguments.start_from:
        start_from(run, data, arguments.start_from)
    compile_blocks(run.network)
    trainer = Trainer(run, data, tokenizer, folder, arguments.minutes)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, trainer.ask_to_stop)
    trainer.loop()


if __name__ == "__main__":
    main()
