"""`vitrine search`: the API's answer in a terminal."""

import sys
from contextlib import closing
from typing import Any

import click
import orjson
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from server.errors import InvalidInput
from server.search.query import Mode, Query, Sort, Views
from server.search.service import ResultPage
from server.services import Services, open_services
from server.settings import load_settings


class FindByDefault(click.Group):
    """`vitrine search WORDS` finds; a word that is the name of a subcommand is searched for behind `find`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["find", *args]
        return super().parse_args(ctx, args)


@click.group(cls=FindByDefault)
def search() -> None:
    """Find products that look like WORDS.

    Write `vitrine search WORDS`; the commands below keep searches quick.
    """


@search.command("refresh")
@click.option("--anew", is_flag=True, help="Compute the sketches' axes again, though they fit.")
def refresh(anew: bool) -> None:
    """Bring up to date what searches know of the whole catalogue: sketches, words, statistics."""
    from server.search.refresh import refresh_search

    services = open_services(load_settings())
    try:
        done = refresh_search(services.database, anew)
    finally:
        services.close()
    click.echo(
        "Every product has a sketch." if done.sketched else "No sketches: too few products, or another is at it."
    )
    if done.words is not None:
        click.echo(f"{done.words.words:,} words of {done.words.products:,} products.")


@search.command("calibrate")
def calibrate_command() -> None:
    """Measure what the ways of ranking take on this machine; searches choose by it from then on."""
    from server.search.calibrate import FEWEST, calibrate

    services = open_services(load_settings())
    try:
        found = calibrate(services.database)
    finally:
        services.close()
    if found is None:
        click.echo(
            f"Nothing to measure below {FEWEST:,} products: every way is quick there, and the built-in costs do."
        )
        return
    for name, milliseconds in found.medians.items():
        click.echo(f"{name:<28} {milliseconds:8.2f} ms")
    click.echo("Kept. Running servers take it up within half a minute.")


@search.command("forget")
@click.option("--query", "text", help="Searches for this text, whatever its capitals and blanks.")
@click.option("--older-than", type=click.IntRange(min=0), metavar="DAYS", help="Searches of more than DAYS days ago.")
@click.option("--all", "is_all", is_flag=True, help="Every search.")
def forget(text: str | None, older_than: int | None, is_all: bool) -> None:
    """Erase what people searched for and clicked; nothing asks back."""
    from server.db.engine import open_database
    from server.events import forgetting

    if (text is not None) + (older_than is not None) + is_all != 1:
        raise click.UsageError("Say one of --query, --older-than and --all.")
    with closing(open_database(load_settings())) as database, database.connection() as connection:
        if text is not None:
            erased = forgetting.forget_query(connection, text)
        elif older_than is not None:
            erased = forgetting.forget_older(connection, older_than)
        else:
            erased = forgetting.forget_all(connection)
    click.echo(f"{erased:,} searches erased, with their clicks.")


@search.command("find")
@click.argument("words")
@click.option("--limit", type=int, default=10, show_default=True, help="Hits to show, 1 to 100.")
@click.option("--price-min", help="Lowest price.")
@click.option("--price-max", help="Highest price.")
@click.option("--currency", help="Currency of the price bounds (default: the shop's).")
@click.option("--category", help="Category path or its beginning.")
@click.option("--brand", multiple=True, help="Brand; repeat it for any of several.")
@click.option("--in-stock", is_flag=True, help="Leave out what is sold out.")
@click.option("--sort", type=click.Choice([sort.value for sort in Sort]), default="relevance", show_default=True)
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default="hybrid", show_default=True)
@click.option(
    "--views",
    type=click.Choice([views.value for views in Views]),
    default="first",
    show_default=True,
    help="Pictures of a product that count: its first, or whichever is nearest.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer.")
def find(words: str, as_json: bool, **given: Any) -> None:
    """Find products that look like WORDS."""
    query = _validated(words, given)
    services = open_services(load_settings())
    try:
        page = services.search.by_text(words, query)
        if as_json:
            click.echo(_as_json(services, page))
        else:
            _print_table(services, page)
    finally:
        services.close()


def _validated(words: str, given: dict[str, Any]) -> Query:
    """The query, checked by the API's own schema. Raises InvalidInput with the option's name."""
    from server.api.schemas import SearchParams
    from server.web.sentences import sentence

    try:
        parameters = {name: value for name, value in given.items() if value is not None}
        return SearchParams.model_validate({**parameters, "q": words, "brand": list(given["brand"])}).to_query()
    except ValidationError as exc:
        lines = []
        for error in exc.errors():
            option = "--" + str(error["loc"][0]).replace("_", "-") if error["loc"] else ""
            lines.append(f"{option}: {sentence(error)}" if option else sentence(error))
        raise InvalidInput("; ".join(lines)) from exc


def _as_json(services: Services, page: ResultPage) -> str:
    # The web application knows the addresses of pictures; only this option pays for loading it.
    from server.api.search_answers import answer_body
    from server.app import create_app

    with create_app(services=services).test_request_context():
        body = answer_body(page)
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def _print_table(services: Services, page: ResultPage) -> None:
    # A file or another program gets whole lines; a terminal decides its own width.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    if not page.hits:
        console.print("No products pass these filters.")
        return
    table = Table(box=None, header_style="bold")
    for name in ("SKU", "Title", "Brand"):
        table.add_column(name, overflow="fold")
    for name in ("Price", "Stock", "Score"):
        table.add_column(name, justify="right")
    table.add_column("Picture", overflow="fold")
    for hit in page.hits:
        picture = ""
        sha256, media_type = (hit.view.sha256, hit.view.media_type) if hit.view else (hit.image_sha256, hit.media_type)
        if sha256 and media_type:
            picture = services.images.path(sha256, media_type).name
        table.add_row(
            escape(hit.sku),
            escape(hit.title),
            escape(hit.brand or ""),
            "" if hit.current_price is None else f"{hit.current_price} {hit.currency}",
            "" if hit.stock is None else str(hit.stock),
            "" if hit.score is None else f"{hit.score:.3f}",
            picture,
        )
    console.print(table)
    more = "" if page.total_is_exact else " or more"
    timing = page.timing
    console.print(
        f"{len(page.hits)} of {page.total}{more} · {page.plan.path} · "
        f"embed {timing.embed_ms:.1f} ms, SQL {timing.sql_ms:.1f} ms",
        style="dim",
    )
