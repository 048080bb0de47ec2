"""The switch: names change places in one transaction, so that `embedding` is the new model's, with its own index."""

import time
from collections.abc import Callable

import psycopg

from server.activation import dependants
from server.activation.fill import Filler
from server.activation.session import SQL, Waits, run_locked
from server.errors import ModelError

# While an import goes on, new gaps come up; so many times they are filled beside it, then it has to wait for a moment.
ROUNDS = 3


def _swap() -> str:
    """Every name goes to the other of its pair, by way of a third."""
    statements = []
    for pairs, rename in (
        (dependants.COLUMNS, "ALTER TABLE product RENAME COLUMN {} TO {}"),
        (dependants.CONSTRAINTS, "ALTER TABLE product RENAME CONSTRAINT {} TO {}"),
        (dependants.INDEXES, "ALTER INDEX IF EXISTS {} RENAME TO {}"),
    ):
        for one, other in pairs:
            between = f"{one}_between"
            statements += [rename.format(*step) for step in ((one, between), (other, one), (between, other))]
    return ";\n".join(statements)


SWAP = _swap()


def switch(
    connection: psycopg.Connection,
    model: int,
    filler: Filler,
    check: Callable[[], None],
    waits: Waits,
    note: Callable[[], None],
) -> None:
    """Make the other model the active one.

    `filler` fills what gaps there are. While there are any, nothing changes, so nothing that is found today is lost.
    check: raises ModelError for what could not follow; asked again with the table locked, since views and the like may
    have been made while the vectors were. waits: notes for how long searches were kept from the table. note: writes
    down that it is done, in the same transaction.
    """

    def change() -> bool:
        if has_gap(connection, filler):
            return False
        try:
            check()
        except ModelError as exc:
            raise ModelError(f"{exc.message} Then run the same command again: it goes on where it stopped.") from exc
        follow = dependants.capture(connection)
        connection.execute(SWAP)
        for statement in follow:
            connection.execute(statement)
        connection.execute(SQL["leave_active"])
        connection.execute(SQL["make_active"], {"model": model})
        connection.execute(SQL["set_phase"], _phase("done"))
        note()
        return True

    for _ in range(ROUNDS):
        if has_gap(connection, filler):
            filler.fill()
        if run_locked(connection, change, waits):
            return
    while not run_locked(connection, change, waits, before=filler.fill):
        # Only a product that nothing can be made of ends here, and `fill` raises for it.
        time.sleep(0.1)


def has_gap(connection: psycopg.Connection, filler: Filler) -> bool:
    """Whether the active model finds a product that the other one would not."""
    row = connection.execute(SQL["has_gap"], {"lost": list(filler.lost)}).fetchone()
    return bool(row and row[0])


def _phase(phase: str) -> dict[str, object]:
    return {"phase": phase, "fill_seconds": 0.0, "index_seconds": 0.0}
