"""The command line: one file per room, each loaded only when its command is called, so that `--help` is instant."""

import importlib
import logging
import signal
import sys
from typing import Any

import click

from server import __version__
from server.errors import VitrineError

# Where each command is, and its line in `vitrine --help`, which would otherwise have to load them all.
COMMANDS = {
    "demo": ("server.cli.demo:demo", "Load the drawn demo catalogue, once, and serve it until Ctrl-C."),
    "serve": ("server.cli.serve:serve", "Serve the shop and the API until Ctrl-C."),
    "import": ("server.cli.import_:import_command", "Bring products from PATH into the shop"),
    "worker": ("server.cli.worker:worker", "Do the work behind the scenes until Ctrl-C"),
    "jobs": ("server.cli.jobs:jobs", "Look at the work behind the scenes"),
    "coverage": ("server.cli.jobs:coverage", "Tell whether every live product has a vector"),
    "staff": ("server.cli.staff:staff", "Manage the accounts for the pages under /admin."),
    "keys": ("server.cli.keys:keys", "Manage the keys for programs that call the API."),
    "search": ("server.cli.search:search", "Find products that look like WORDS."),
    "synonyms": ("server.cli.synonyms:synonyms", "Keep a list of words that stand for others in a search."),
    "words": ("server.cli.words:words", "Compute the words that corrections and suggestions are made of."),
    "db": ("server.cli.db:db", "Upgrade, inspect and query the database."),
    "sql": ("server.cli.sql:sql", "Give a data team views, functions and a role of their own."),
    "backup": ("server.cli.backup:backup", "Write the whole shop into FILE, while it is open"),
    "restore": ("server.cli.backup:restore", "Put the shop of a backup in place of the one that is here"),
    "models": ("server.cli.models:models", "Install embedding models, check them and change to another."),
    "doctor": ("server.cli.doctor:doctor", "Check settings, database, model, pictures and disk."),
}


class LazyGroup(click.Group):
    """Finds commands by name in COMMANDS and turns our errors into a sentence and exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except VitrineError as exc:
            logging.getLogger(__name__).debug("Failed", exc_info=exc)
            click.secho(f"Error: {exc.message}", fg="red", err=True)
            sys.exit(2)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vitrine")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens, to standard error.")
def main(verbose: bool) -> None:
    """Vitrine: text-to-image product search that lives in Postgres.

    Settings come from the environment or a .env file; docs/settings.md lists them.
    """
    # A polite kill ends a command as Ctrl-C does, so that it lets go of the embedded Postgres.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if not verbose:
        # The pool warns of each try to connect, with the driver's text; what comes of it is said by the command.
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
