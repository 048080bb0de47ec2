"""The command line: one file per room, each loaded only when its command is called, so that `--help` is instant."""

import importlib
import logging
import sys
from typing import Any

import click

from server import __version__
from server.errors import VitrineError

COMMANDS = {
    "demo": "server.cli.demo:demo",
    "serve": "server.cli.serve:serve",
    "import": "server.cli.import_:import_command",
    "search": "server.cli.search:search",
    "db": "server.cli.db:db",
    "models": "server.cli.models:models",
    "doctor": "server.cli.doctor:doctor",
}


class LazyGroup(click.Group):
    """Finds commands by name in COMMANDS and turns our errors into a sentence and exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

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
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
