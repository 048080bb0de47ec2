"""`python -m server.cli` is `vitrine`."""

from server.cli import main

main(prog_name="vitrine")
