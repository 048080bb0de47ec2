# ruff: noqa: E402 - the imports below need PyTorch, whose absence skips this file first
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'vitrine[models]'")

from models.batches import Batch
from models.config import Config, NetworkConfig, load_config
from models.network import END_ID, START_ID
from models.prompts import Choice, Prompts
from models.steps import Run, start_run, take_step

DEFAULT = load_config(Path(__file__).parents[3] / "models" / "configs" / "default.toml")
SMALL = Config(
    NetworkConfig(16, (4, 8), 1, 1, 8, 2, 8, 50, 8),
    DEFAULT.pixels,
    replace(DEFAULT.training, threads=1, ramp=2, kept_tokens=9),
)


def small_batch() -> Batch:
    generator = torch.Generator().manual_seed(4)
    ids = torch.randint(3, 50, (8, 5), generator=generator)
    ids[:, 0], ids[:, -1] = START_ID, END_ID
    return Batch(
        pixels=torch.rand(8, 3, 16, 16, generator=generator),
        ids=ids,
        owner=torch.arange(8),
        fits=torch.eye(8, dtype=torch.bool),
        labels=torch.zeros(8, 6, dtype=torch.int64),
        details=torch.zeros(8, 2),
        has_details=torch.ones(8, dtype=torch.bool),
        prompts=Prompts(ids[:3], [Choice(0, 3, torch.tensor([0, 1]), torch.tensor([2, 1]))]),
    )


def stepped(run: Run, steps: int) -> list[float]:
    return [take_step(run, small_batch(), 1.0)[0] for _ in range(steps)]


def test_a_run_learns_its_only_batch() -> None:
    losses = stepped(start_run(SMALL, [3, 3], 2), 25)
    assert losses[-1] < losses[0] * 0.8


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole, halved = start_run(SMALL, [3, 3], 2), start_run(SMALL, [3, 3], 2)
    stepped(whole, 3)
    stepped(halved, 3)
    halved.save(tmp_path / "checkpoint.pt")
    resumed = start_run(SMALL, [3, 3], 2)
    resumed.restore(tmp_path / "checkpoint.pt")
    assert resumed.step == 3
    assert stepped(resumed, 2) == pytest.approx(stepped(whole, 2), rel=1e-3)


def test_a_run_goes_on_when_the_catalogue_has_learned_a_new_detail(tmp_path: Path) -> None:
    run = start_run(SMALL, [3, 3], 2)
    stepped(run, 2)
    run.save(tmp_path / "checkpoint.pt")
    wider = start_run(SMALL, [4, 3], 2)
    wider.restore(tmp_path / "checkpoint.pt")
    stepped(wider, 1)
    assert wider.step == 3


def test_a_step_on_the_busiest_tokens_learns_too() -> None:
    run = start_run(SMALL, [3, 3], 2)
    losses = [take_step(run, small_batch(), 1.0, all_tokens=False)[0] for _ in range(25)]
    assert losses[-1] < losses[0] * 0.8
