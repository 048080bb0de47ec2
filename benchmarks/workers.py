"""Contenders in processes of their own, asked one at a time."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# A library's threads spin for a moment after their work; the next contender starts when they sleep.
PAUSE = 0.1
MB = 1024  # of the kilobytes that the kernel reports


class Worker:
    """A contender in its own process. `import_load_seconds`: from the first import until it can answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.import_load_seconds, self.load_seconds = self._receive()

    def ask(self, method: str, *arguments: Any) -> Any:
        """What the contender's method answers."""
        self._connection.send((method, arguments))
        answer = self._receive()
        time.sleep(PAUSE)
        return answer

    def resident_mb(self) -> float:
        """Resident memory of the process now, in MB."""
        return float(self.ask("resident_mb"))

    def _receive(self) -> Any:
        try:
            fine, answer = self._connection.recv()
        except EOFError:
            raise SystemExit("A contender ended before it answered; its message stands above.") from None
        if not fine:
            raise SystemExit(f"A contender failed: {answer}")
        return answer


@contextmanager
def worker(make: Callable[..., Any], *arguments: Any, **options: Any) -> Iterator[Worker]:
    """Start a process, make the contender there, and end it afterwards."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs, make, arguments, options), daemon=True
    )
    process.start()
    theirs.close()
    try:
        yield Worker(ours)
    finally:
        ours.close()
        process.join(10)
        if process.is_alive():
            process.kill()


def interleave(
    rounds: int, tasks: Mapping[str, Callable[[], Sequence[float]]], draw: random.Random
) -> dict[str, list[float]]:
    """Every task once a round, each round in another order: what each returned, all rounds together."""
    took: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name in draw.sample(list(tasks), len(tasks)):
            took[name] += tasks[name]()
    return took


@contextmanager
def workers(makers: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Worker]]:
    """One process for each: name -> (class, positional arguments ..., keyword arguments as a dictionary)."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(worker(make, *rest, **options)) for name, (make, *rest, options) in makers.items()
        }


def _serve(connection: Connection, make: Callable[..., Any], arguments: Sequence[Any], options: dict[str, Any]) -> None:
    began = time.perf_counter()
    try:
        contender = make(*arguments, **options)
        connection.send((True, (time.perf_counter() - began, contender.load_seconds)))
        while True:
            method, given = connection.recv()
            answer = _resident_mb() if method == "resident_mb" else getattr(contender, method)(*given)
            connection.send((True, answer))
    except EOFError:
        return
    except Exception as exc:
        connection.send((False, f"{make.__name__}: {type(exc).__name__}: {exc}"))


def _resident_mb() -> float:
    status = Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / MB
