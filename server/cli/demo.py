"""`vitrine demo`: a shop with 2,000 drawn products, from nothing to the first page in one command."""

import io
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.cli.serve import prepare_database, run_server
from server.db.engine import Database, open_database
from server.demo import DEMO_SEED, DrawnProduct, draw_catalogue
from server.errors import Conflict, OtherModel, VitrineError
from server.settings import Settings, load_settings

if TYPE_CHECKING:
    from server.catalog.product import ProductInput

DEMO_PRODUCTS = 2_000
PICTURE_SIZE = 480  # pixels
BATCH = 64
# Written when all is loaded, with how many; so what a user deletes from the demo later stays deleted.
MARKER = "demo.loaded"


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (VITRINE_PORT).")
@click.option("--no-serve", is_flag=True, help="Load the catalogue and end.")
@click.option(
    "--products",
    type=click.IntRange(1, 100_000),
    default=DEMO_PRODUCTS,
    show_default=True,
    help="How many products to draw.",
)
@click.option(
    "--truth",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write what each picture shows as JSON, to judge search by. Nothing in Vitrine reads it.",
)
def demo(port: int | None, no_serve: bool, products: int, truth: Path | None) -> None:
    """Load the drawn demo catalogue, once, and serve it until Ctrl-C."""
    settings = load_settings()
    if truth is not None:
        write_truth(truth, products)
    database = open_database(settings)
    try:
        _prepare(database, settings)
        if _loaded(database, settings) < products:
            load_demo(database, settings, products)
        if not no_serve:
            run_server(settings, database, settings.host, port or settings.port)
    finally:
        database.close()


def _prepare(database: Database, settings: Settings) -> None:
    try:
        prepare_database(database, settings)
    except OtherModel as exc:
        raise OtherModel(f"{exc.message} To begin the demo anew, set VITRINE_DATA_DIR to an empty folder.") from exc


def _loaded(database: Database, settings: Settings) -> int:
    """How many products of the demo were loaded before; none into a database that holds nothing."""
    marker = settings.data_dir / MARKER
    with database.connection() as connection:
        is_empty = connection.execute("SELECT FROM product LIMIT 1").fetchone() is None
    return 0 if is_empty or not marker.exists() else int(marker.read_text(encoding="ascii"))


def write_truth(path: Path, count: int = DEMO_PRODUCTS) -> None:
    """Write {sku: {"kind", "colour", "pattern", "details", "text_tells"}}."""
    truth = {
        product.sku: {
            "kind": product.truth.kind,
            "colour": product.truth.colour,
            "pattern": product.truth.pattern,
            "details": list(product.truth.details),
            "text_tells": product.text_tells,
        }
        for product in draw_catalogue(count, DEMO_SEED)
    }
    path.write_text(json.dumps(truth, indent=1), encoding="utf-8")


def load_demo(database: Database, settings: Settings, count: int = DEMO_PRODUCTS) -> None:
    """Draw and embed what is missing of the demo. Raises Conflict in a database that holds other products."""
    # Imported here: a start that has nothing to load does not wait for the model's runtime.
    from server.search.refresh import refresh_search
    from server.services import open_services

    services = open_services(settings, database=database)
    with database.connection() as connection:
        present = {str(sku) for (sku,) in connection.execute("SELECT sku FROM product")}
    wanted = [product.sku for product in draw_catalogue(count, DEMO_SEED)]
    foreign = present.difference(wanted)
    if foreign:
        raise Conflict(
            f"This database holds {len(foreign)} products of another catalogue, so the demo was not put into it. "
            "Use `vitrine serve`, or an empty VITRINE_DATA_DIR or DATABASE_URL."
        )
    missing = [index for index, sku in enumerate(wanted) if sku not in present]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("Drawing and embedding the demo", total=len(missing))
        for drawn in _drawn(missing):
            outcomes = services.catalog.upsert_many([(_input(product), picture) for product, picture in drawn])
            for outcome in outcomes:
                if outcome.action == "refused":
                    raise VitrineError(f"The demo could not be loaded: {outcome.sku}: {outcome.field} {outcome.reason}")
            progress.advance(task, len(drawn))
    refresh_search(database)
    (settings.data_dir / MARKER).write_text(str(count), encoding="ascii")


def _input(product: DrawnProduct) -> "ProductInput":
    from server.catalog.product import ProductInput

    return ProductInput(
        sku=product.sku,
        item_group=product.item_group,
        title=product.title,
        description=product.description,
        brand=product.brand,
        category=product.category,
        price=product.price,
        sale_price=product.sale_price,
        currency=product.currency,
        stock=product.stock,
        attributes=product.attributes,
        status="live",
    )


def _drawn(indexes: list[int]) -> Iterator[list[tuple[DrawnProduct, bytes]]]:
    """Products and their pictures as JPEG, batch by batch in order, drawn by one process a core."""
    batches = [indexes[start : start + BATCH] for start in range(0, len(indexes), BATCH)]
    # "spawn": a forked child would inherit the database's connections and the model's threads.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_draw_batch, batches)


def _draw_batch(indexes: list[int]) -> list[tuple[DrawnProduct, bytes]]:
    wanted = set(indexes)
    first, last = min(wanted), max(wanted)
    products = islice(enumerate(draw_catalogue(last + 1, DEMO_SEED)), first, last + 1)
    return [(product, _jpeg(product)) for index, product in products if index in wanted]


def _jpeg(product: DrawnProduct) -> bytes:
    buffer = io.BytesIO()
    product.draw(PICTURE_SIZE).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
