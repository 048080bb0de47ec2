"""`vitrine import`: a catalogue file into the shop."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from server.catalog.feeds.columns import parse_overrides
from server.catalog.image_store import ImageStore
from server.catalog.ingest import REFRESH_ROWS, Importer, ImportOptions
from server.catalog.report import ImportReport
from server.cli.serve import prepare_database
from server.db.engine import open_database
from server.search.refresh import refresh_search
from server.services import open_current
from server.settings import load_settings

# Without a terminal, a line each time so much more of the file is done.
PLAIN_STEP = 0.1


@click.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Take a field from this column. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Check everything, pictures too, and write nothing.")
@click.option("--full", is_flag=True, help="The file is the whole catalogue: hide live products that are not in it.")
@click.option("--yes", is_flag=True, help="With --full: hide them without asking.")
@click.option(
    "--hide-despite-errors",
    is_flag=True,
    help="With --full: hide them even if rows without a readable SKU were refused.",
)
@click.option(
    "--errors",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where refused rows go (.csv or .jsonl). Default: beside PATH.",
)
def import_command(
    path: Path,
    maps: tuple[str, ...],
    dry_run: bool,
    full: bool,
    yes: bool,
    hide_despite_errors: bool,
    errors: Path | None,
) -> None:
    """Bring products from PATH into the shop: a CSV, JSON Lines or Parquet file, or a folder or zip of them.

    Exit status: 0 if all rows are in, 1 if some were refused, 2 if the file cannot be used. docs/importing.md has the
    rules.
    """
    settings = load_settings()
    options = ImportOptions(
        columns=parse_overrides(maps),
        whole=full,
        hide_despite_errors=hide_despite_errors,
        dry_run=dry_run,
        errors=errors,
    )
    database = open_database(settings)
    try:
        prepare_database(database, settings)
        with _progress(dry_run) as on_progress:
            importer = Importer(
                database,
                open_current(settings, database),
                ImageStore(settings.image_dir),
                settings,
                on_progress=on_progress,
                may_hide=lambda missing, of: _confirm(missing, of, yes),
            )
            report = importer.run(path, options)
        if report.created + report.updated >= REFRESH_ROWS and not dry_run:
            refresh_search(database)
    finally:
        database.close()
    _print_report(report)
    sys.exit(0 if report.is_complete else 1)


@contextmanager
def _progress(dry_run: bool) -> Iterator[Callable[[ImportReport], None]]:
    """Shows how far it is on standard error: a bar on a terminal, else a line now and then."""
    console = Console(stderr=True)
    verb = "Checking" if dry_run else "Importing"
    if not console.is_terminal:
        yield _plain_progress(verb)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(verb, total=1.0)

        def show(report: ImportReport) -> None:
            description = f"{verb} {report.rows:,} rows, {report.rows / max(report.seconds, 0.001):.0f}/s"
            progress.update(task, completed=report.share, description=description)
            if report.share >= 1.0:
                # A question may follow (--full), and a live bar would draw over it.
                progress.stop()

        yield show


def _plain_progress(verb: str) -> Callable[[ImportReport], None]:
    shown = 0.0

    def show(report: ImportReport) -> None:
        nonlocal shown
        if report.share - shown >= PLAIN_STEP:
            shown = report.share
            rate = report.rows / max(report.seconds, 0.001)
            click.echo(f"{verb}: {report.share:.0%}, {report.rows:,} rows, {rate:.0f} rows/s", err=True)

    return show


def _confirm(missing: int, of: int, yes: bool) -> bool:
    """Ask whether to hide; without a terminal the answer is no."""
    sentence = f"{missing:,} of {of:,} live products are not in the file and will be hidden."
    if yes:
        click.echo(sentence, err=True)
        return True
    if not sys.stdin.isatty():
        click.echo(f"{sentence} Add --yes to hide them.", err=True)
        return False
    return click.confirm(f"{sentence} Hide them?", default=False, err=True)


def _print_report(report: ImportReport) -> None:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for refusal in report.refusals:
        console.print(f"[yellow]{escape(refusal.place)}[/]: {escape(refusal.reason)}")
    if report.refused > len(report.refusals):
        console.print(f"... and {report.refused - len(report.refusals):,} more.")
    would = "would be " if report.dry_run else ""
    click.echo(
        f"{report.rows:,} rows: {report.created:,} {would}new, {report.updated:,} {would}updated, "
        f"{report.unchanged:,} unchanged, {report.refused:,} {would}refused."
    )
    if report.hidden or (report.missing and report.dry_run):
        click.echo(f"{report.hidden or report.missing:,} products that are not in the file {would or 'were '}hidden.")
    if report.not_hidden:
        click.echo(f"No product was hidden: {report.not_hidden}.")
    if report.images or report.texts:
        share = report.tower_seconds / max(report.seconds, 0.001)
        click.echo(
            f"{report.images:,} pictures and {report.texts:,} titles embedded in {report.seconds:.1f} s "
            f"({report.images / max(report.seconds, 0.001):.0f} pictures/s, {share:.0%} of the time in the model)."
        )
    if report.errors is not None:
        click.echo(f"The refused rows are in {report.errors}. Put them right there and import that file.")
