"""A database taken to another server as its administrator would: the roles first, then pg_dump's output."""

import os
import subprocess

from server.backup.programs import Programs, find_programs


def copy_by_dump(source: str, target: str, *options: str) -> None:
    """All of the database at one URL into the empty one at another, on a server that knows none of its roles.

    options: of pg_dump. With --create the database has the name there that it has here.
    """
    programs = find_programs(18)
    roles = _told(programs, "pg_dumpall", "--roles-only", f"--dbname={source}")
    dump = _told(programs, "pg_dump", *options, f"--dbname={source}")
    # The owner is there already, as in any new cluster of the embedded server.
    roles = "".join(line for line in roles.splitlines(keepends=True) if not line.startswith("CREATE ROLE vitrine;"))
    for text in (roles, dump):
        _run(programs.command("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", target), text)


def _told(programs: Programs, program: str, *arguments: str) -> str:
    return _run(programs.command(program, *arguments))


def _run(command: list[str], text: str = "") -> str:
    done = subprocess.run(
        command, input=text, text=True, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
