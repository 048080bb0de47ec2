"""Clients that keep a server busy and take little of the machine: all connections in one loop, requests made before.

A client sends its next request when the answer to the last one is there. Answers are kept as bytes and looked at when
the run is over; `own_share` says how much of a core the clients took themselves.
"""

from __future__ import annotations

import json
import selectors
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.latency import percentile

LONGEST_ANSWER = 1 << 20


def request_of(target: str, port: int) -> bytes:
    """A GET on a connection that stays open."""
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: keep-alive\r\n\r\n".encode("ascii")


@dataclass
class Run:
    """What came back: (index of the request, milliseconds, body), in the order of the answers."""

    seconds: float = 0.0
    own_share: float = 0.0
    answers: list[tuple[int, float, bytes]] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Requests a second, percentiles, and what the answers say of themselves."""
        took = [milliseconds for _, milliseconds, _ in self.answers]
        timings = [json.loads(body).get("timing", {}) for _, _, body in self.answers]
        told: dict[str, Any] = {
            "requests": len(took),
            "per_second": round(len(took) / self.seconds, 1),
            "p50_ms": round(statistics.median(took), 3),
            "p95_ms": round(percentile(took, 0.95), 3),
            "clients_cpu": round(self.own_share, 2),
        }
        if timings[0]:
            cached = [bool(timing["embedding_cached"]) for timing in timings]
            told |= {"cached": round(statistics.fmean(cached), 3)}
            told |= {
                f"{name}_p50_ms": round(statistics.median(timing[f"{name}_ms"] for timing in timings), 3)
                for name in ("embed", "sql", "total")
            }
        return told


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.asked = 0
        self.began = 0.0

    def send(self, number: int, request: bytes) -> None:
        self.asked, self.began, self.buffer = number, time.perf_counter(), b""
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """The body, once it is whole."""
        part = self.socket.recv(LONGEST_ANSWER)
        if not part:
            raise SystemExit("The server closed a connection.")
        self.buffer += part
        return body_of(self.buffer)


def body_of(answer: bytes) -> bytes | None:
    """The body of an HTTP answer, None while it is not whole. Ends the program where the answer is not 200."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return None
    lines = head.split(b"\r\n")
    if b" 200 " not in lines[0] + b" ":
        raise SystemExit(f"The server answered {lines[0].decode('latin-1')}: {body[:300].decode('utf-8', 'replace')}")
    lengths = [line for line in lines if line.lower().startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2])
    return body if len(body) >= length else None


def keep_busy(port: int, requests: Sequence[bytes], clients: int) -> Run:
    """Every request once, by so many clients at the same time."""
    run, turn = Run(), iter(enumerate(requests))
    with selectors.DefaultSelector() as selector:
        connections = [_Connection(port) for _ in range(min(clients, len(requests)))]
        began, cpu = time.perf_counter(), time.process_time()
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(*next(turn))
        while len(run.answers) < len(requests):
            for key, _ in selector.select():
                connection = key.data
                body = connection.receive()
                if body is None:
                    continue
                took = (time.perf_counter() - connection.began) * 1000
                run.answers.append((connection.asked, took, body))
                following = next(turn, None)
                if following is not None:
                    connection.send(*following)
        run.seconds = time.perf_counter() - began
        run.own_share = (time.process_time() - cpu) / run.seconds
        for connection in connections:
            connection.socket.close()
    return run
