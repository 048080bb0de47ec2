"""What an activation shows: a bar on a terminal, else a line now and then; its summary; how far another one is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click
import orjson
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.activation.progress import Progress as Far
from server.activation.progress import count_without_vector, label, read_progress, tell_progress
from server.activation.run import Summary, describe

# Without a terminal, a line each time so much more of the products is done.
PLAIN_STEP = 0.1
WORDS = {"fill": "Embedding", "index": "Building the index", "switch": "Switching", "done": "Done"}
NAMED = 5

OnProgress = Callable[[str, int, int, float | None], None]
OnIndex = Callable[[float], None]


def print_json(value: Any) -> None:
    """On standard output."""
    click.echo(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())


@contextmanager
def show_progress() -> Iterator[tuple[OnProgress, OnIndex]]:
    """Shows how far it is on standard error: what to call for each batch and phase, and for a share of the index."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_progress()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Beginning", total=None)

        def show(phase: str, done: int, total: int, rate: float | None) -> None:
            pace = f", {rate:.0f}/s" if rate and phase == "fill" else ""
            progress.update(task, description=WORDS[phase] + pace, completed=done, total=max(total, done))

        def show_index(share: float) -> None:
            total = progress.tasks[0].total or 0
            progress.update(task, description=f"{WORDS['index']}, {share:.0%}", completed=round(share * total))

        yield show, show_index


def _plain_progress() -> tuple[OnProgress, OnIndex]:
    shown: tuple[str, float] = ("", 0.0)

    def show(phase: str, done: int, total: int, rate: float | None) -> None:
        nonlocal shown
        share = done / total if total else 1.0
        if phase != shown[0] or share - shown[1] >= PLAIN_STEP:
            # The index is told by its own share from here on.
            shown = (phase, 0.0 if phase == "index" else share)
            pace = f", {rate:.0f} a second" if rate and phase == "fill" else ""
            click.echo(f"{WORDS[phase]}: {done:,} of {total:,} products{pace}", err=True)

    def show_index(share: float) -> None:
        nonlocal shown
        if share - shown[1] >= PLAIN_STEP:
            shown = ("index", share)
            click.echo(f"{WORDS['index']}: {share:.0%}", err=True)

    return show, show_index


def print_summary(summary: Summary, names: Mapping[str, str], as_json: bool) -> None:
    """What was done. names: what models are installed as, by digest."""
    if as_json:
        print_json(describe(summary))
        return
    model = label(names, summary.name, summary.revision, summary.digest)
    if summary.was_active:
        given_up = f" The activation of {summary.given_up} is given up." if summary.given_up else ""
        click.echo(f"{model} is the active model already.{given_up}")
        return
    took = summary.seconds
    click.echo(
        f"{model} is active. {summary.filled:,} products embedded in {took['fill']:.1f} s, index in "
        f"{took['index']:.1f} s; no search was kept waiting for more than {took['locked'] * 1000:.0f} ms at a time."
    )
    if summary.by_title:
        click.echo(
            f"{len(summary.by_title):,} pictures could not be read; their products stand by their titles: "
            f"{_some(summary.by_title)}."
        )
    if summary.without_vector:
        click.echo(f"{len(summary.without_vector):,} products have no vector of either model, as before.")
    if summary.not_live:
        click.echo(
            f"{len(summary.not_live):,} products that are not in the shop have lost their pictures, and no vector: "
            f"{_some(summary.not_live)}. Import them again before they are shown."
        )
    if summary.previous is not None:
        previous = names.get(summary.previous_digest or "", summary.previous)
        click.echo(f"The vectors of {previous} are kept: `vitrine models rollback` goes back.")


def print_status(connection: psycopg.Connection, names: Mapping[str, str], as_json: bool, ending: bool) -> Far | None:
    """How far the activation under way is, or how the last one ended. ending: with how to end it."""
    progress = read_progress(connection)
    if as_json:
        told = None if progress is None else {**asdict(progress), "running": progress.running}
        print_json({"activation": told, "live_without_vector": count_without_vector(connection)})
    elif progress is None:
        click.echo("There was no activation yet.")
    else:
        click.echo(tell_progress(connection, progress, names, ending))
    return progress


def _some(skus: list[str]) -> str:
    return ", ".join(skus[:NAMED]) + (", ..." if len(skus) > NAMED else "")
