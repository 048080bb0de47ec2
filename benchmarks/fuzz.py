"""Does every request have an answer? Ten thousand drawn ones against the real application, database and model.

    python -m benchmarks.fuzz [--examples 10000] [--products 2000] [--seed 1] [--data-dir DIR] [--json]

Loads the demo catalogue into an embedded Postgres of its own (once, if --data-dir is kept), then asks: words, typed
filters, filters, pictures, products, several parts, suggestions, pages behind pages; odd letters; wrong parameters,
bodies and cursors. Ends with 1 where an answer was a 5xx or not what docs/api.md promises.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from rich.console import Console
from rich.table import Table

from benchmarks.fuzz_requests import Drawer, Item, Request
from server.api.answer_schemas import SearchAnswer, SuggestAnswer
from server.app import create_app
from server.cli.demo import load_demo
from server.cli.serve import prepare_database
from server.db.engine import open_database
from server.search.basis import refresh_basis
from server.search.words.refresh import refresh_words
from server.services import Services, open_services
from server.settings import load_settings

# How often a page with more behind it is gone on from.
GO_ON = 0.35


class Broken(Exception):
    """An answer is not what was promised."""


def ask(client: FlaskClient, request: Request) -> Any:
    """The answer of the application."""
    given: dict[str, Any] = {"query_string": request.query}
    if request.picture is not None:
        given |= {"data": {"image": (io.BytesIO(request.picture), "photo.jpg")}, "content_type": "multipart/form-data"}
    elif request.raw is not None:
        given |= {"data": request.raw, "content_type": "application/json"}
    elif request.method == "POST":
        given |= {"data": json.dumps(request.body), "content_type": "application/json"}
    return client.open(request.path, method=request.method, **given)


def check(request: Request, answer: Any) -> None:
    """Raises Broken where the answer is none of those that are promised."""
    if answer.status_code >= 400:
        error = answer.json["error"]
        _hold(set(error) == {"code", "message", "request_id", "fields"}, "an error of another shape")
        _hold(bool(error["message"]) and "Traceback" not in error["message"], "an error without a sentence")
        return
    schema = SuggestAnswer if request.path.endswith("/suggest") else SearchAnswer
    _hold(schema.model_validate_json(answer.data).model_dump(mode="json") == answer.json, "not what the schema says")
    if schema is SearchAnswer:
        _check_page(request, answer.json)


def _check_page(request: Request, body: Any) -> None:
    given = {**request.query, **(request.body if isinstance(request.body, dict) else {})}
    given |= given.get("filters", {})
    limit = given.get("limit", 24)
    hits = body["hits"]
    _hold(len({hit["sku"] for hit in hits}) == len(hits), "a product twice")
    _hold(len(hits) <= limit, "more hits than asked for")
    if "cursor" not in given:
        _hold(len(hits) == min(limit, body["total"]), "a page that comes up short")
        _hold((body["next_cursor"] is None) == (body["total"] <= limit), "a last page that is none")
    for hit in hits:
        _check_hit(hit, given, body)


def _check_hit(hit: Any, given: dict[str, Any], body: Any) -> None:
    typed = body["typed"] or {}
    price = hit["price"] if hit["sale_price"] is None else hit["sale_price"]
    lowest = [bound for bound in (given.get("price_min"), typed.get("price_min")) if bound is not None]
    highest = [bound for bound in (given.get("price_max"), typed.get("price_max")) if bound is not None]
    if lowest or highest:
        _hold(price is not None and hit["currency"] == body["currency"], "a price in no currency asked for")
    if not (lowest and highest and min(highest) < max(lowest)):
        _hold(all(price >= bound for bound in lowest), "a price below the lowest")
        _hold(all(price <= bound for bound in highest), "a price above the highest")
    brands = given.get("brand", [])
    _hold(not brands or hit["brand"] in [*([brands] if isinstance(brands, str) else brands), *typed.get("brands", [])],
          "a brand that was not asked for")  # fmt: skip
    category = (given.get("category") or "").strip("/ ")
    _hold(not category or f"{hit['category']}/".startswith(category + "/"), "a category that was not asked for")
    if given.get("in_stock") or typed.get("in_stock"):
        _hold(hit["stock"] is None or hit["stock"] > 0, "a product that is sold out")
    _hold((hit["explain"] is not None) == bool(given.get("explain")), "an explanation unasked, or none")


def _hold(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise Broken(otherwise)


class Walk:
    """Pages of one result: none shows a product again, and together they are all of it."""

    def __init__(self, request: Request, body: Any) -> None:
        self.request = request
        self.seen: set[str] = set()
        self.total = body["total"]
        self.add(body)

    def add(self, body: Any) -> None:
        """Raises Broken."""
        skus = {hit["sku"] for hit in body["hits"]}
        _hold(not skus & self.seen, "a product on two pages")
        self.seen |= skus
        _hold(body["total"] == self.total, "a total that changes from page to page")
        if body["next_cursor"] is None:
            _hold(len(self.seen) == self.total, "fewer products than the total says")


def fuzz(client: FlaskClient, drawer: Drawer, examples: int) -> Iterator[tuple[Request, int, str, str | None]]:
    """Each request with its status, what came of it, and the promise that it broke."""
    walk: Walk | None = None
    request = drawer.next()
    for _ in range(examples):
        answer = ask(client, request)
        body, broken = answer.json, None
        outcome = _outcome(answer.status_code, body)
        try:
            check(request, answer)
            if "hits" in body:
                if walk is None:
                    walk = Walk(request, body)
                else:
                    walk.add(body)
        except Broken as exc:
            broken = str(exc)
        yield request, answer.status_code, outcome, broken
        cursor = body.get("next_cursor")
        if cursor:
            drawer.cursors = [*drawer.cursors[-50:], cursor]
        if cursor and not broken and walk is not None and drawer.draw.random() < GO_ON:
            request = walk.request.at(cursor)
        else:
            walk, request = None, drawer.next()


def _outcome(status: int, body: Any) -> str:
    if status >= 500:
        return "5xx"
    if status >= 400:
        return f"{status} {body['error']['code']}"
    return "2xx with hits" if body.get("hits") or body.get("suggestions") else "2xx empty"


def catalogue(services: Services) -> tuple[list[Item], list[bytes]]:
    """What the requests are made of: live products, and some of their pictures."""
    statement = "SELECT sku, title, brand, category, current_price::float8, attributes FROM product ORDER BY sku"
    with services.database.connection() as connection:
        items = [Item(*row) for row in connection.execute(statement)]
        found = connection.execute("SELECT sha256, media_type FROM image ORDER BY sha256 LIMIT 20").fetchall()
    return items, [services.images.read(sha256, media_type) for sha256, media_type in found]


def run(folder: Path, examples: int, products: int, seed: int) -> dict[str, Any]:
    """Load, ask, count."""
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=folder, DATABASE_URL=None)
    database = open_database(settings)
    try:
        prepare_database(database, settings)
        load_demo(database, settings, products)
        with database.connection() as connection:
            refresh_words(connection)
        refresh_basis(database)
        services = open_services(settings, database=database)
        drawer = Drawer(*catalogue(services), seed)
        client = create_app(services=services).test_client()
        counts: Counter[tuple[str, str]] = Counter()
        failures: list[str] = []
        started = time.perf_counter()
        for request, status, outcome, broken in fuzz(client, drawer, examples):
            counts[request.kind, outcome] += 1
            if broken or status >= 500:
                failures.append(
                    f"{status} {broken or ''}: {request.method} {request.path} {request.query} {request.body}"
                )
        seconds = time.perf_counter() - started
        return {"products": len(drawer.items), "seconds": round(seconds, 1), "counts": counts, "failures": failures}
    finally:
        database.close()


def print_table(counts: Counter[tuple[str, str]], title: str) -> None:
    """A row a kind of request, a column an outcome."""
    first = ["2xx with hits", "2xx empty"]
    outcomes = [*first, *sorted({outcome for _, outcome in counts} - {*first, "5xx"}), "5xx"]
    table = Table(title=title)
    table.add_column("request")
    for name in ("requests", *outcomes):
        table.add_column(name, justify="right")
    for kind in [*sorted({kind for kind, _ in counts}), "all"]:
        row = Counter(
            {o: sum(n for (k, other), n in counts.items() if other == o and kind in (k, "all")) for o in outcomes}
        )
        table.add_row(kind, f"{row.total():,}", *(f"{row[outcome]:,}" for outcome in outcomes))
    Console(width=200).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--products", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vt-") as temporary:
        folder = arguments.data_dir or Path(temporary)
        found = run(folder, arguments.examples, arguments.products, arguments.seed)
    if arguments.json:
        counts = {f"{kind}: {outcome}": number for (kind, outcome), number in sorted(found["counts"].items())}
        print(json.dumps({**found, "counts": counts}, indent=1))
    else:
        title = f"{arguments.examples:,} requests, {found['products']} products, {found['seconds']:.0f} s"
        print_table(found["counts"], title)
        for failure in found["failures"][:20]:
            print(failure[:400])
        print(f"{len(found['failures'])} answers that break a promise")
    sys.exit(1 if found["failures"] else 0)


if __name__ == "__main__":
    main()
