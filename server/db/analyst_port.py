"""A port of this machine's own for the data team, beside the socket of the embedded Postgres.

The socket is no way in for others: a program that forwards it (`ssh -L`) is taken for the account that runs it, and so
for the owner. At the port a password counts and nothing else, and who may act as the owner is refused.
"""

from contextlib import suppress
from pathlib import Path

from server.errors import DatabaseUnavailable
from server.ports import why_taken

ADDRESS = "127.0.0.1"
# The name of the socket by which all of Vitrine connects, whatever the port is.
SOCKET = ".s.PGSQL.5432"
RULES_FILE = "vitrine_hba.conf"


def rules(owner: str, database: str) -> str:
    """Text of the rules: the first that fits counts, and those of pg_hba.conf are about the socket."""
    return (
        "# Written by Vitrine at every start.\n"
        f"host all +{owner} all reject\nhost {database} all {ADDRESS}/32 scram-sha-256\nhost all all all reject\n"
        "include pg_hba.conf\n"
    )


def settings(port: int, cluster: Path) -> dict[str, str]:
    """Lines for vitrine.conf."""
    file = str(cluster / RULES_FILE).replace("'", "''")
    return {"listen_addresses": f"'{ADDRESS}'", "port": str(port), "hba_file": f"'{file}'"}


def check_free(port: int) -> None:
    """Raises DatabaseUnavailable where another program has the port: Postgres would not start at all."""
    taken = why_taken(ADDRESS, port)
    if taken is not None:
        raise DatabaseUnavailable(f"{taken} Set VITRINE_SQL_PORT to a free port, or unset it.")


def link_socket(folder: Path, port: int) -> None:
    """Postgres names its socket by the port; its usual name leads there, so that it is found by whoever knows no port.

    A server without this port takes the name for its own socket again.
    """
    link, target = folder / SOCKET, f".s.PGSQL.{port}"
    if target == SOCKET:
        return
    with suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(target)
