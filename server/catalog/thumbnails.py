"""Thumbnails of all pictures, made ahead by the worker: whoever looks at a page first would else wait for them.

Only ahead: `ImageStore.thumbnail` makes one that is missing when it is asked for, so nobody waits for the worker, and
what is lost comes back.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from server.catalog.image_store import ImageStore
from server.db.engine import Database
from server.db.named_sql import load
from server.errors import InvalidImage, NotFound, StorageUnavailable

SQL = load(__file__, "thumbnails.sql")

BATCH = 16
NAMED = 3
# While an import runs, a worker's thumbnails take one part in so many of the time.
SHARE_BESIDE_IMPORT = 20
# A file of another name in the folders is a draft of a process that was killed, once it is so old.
DRAFT_SECONDS = 3600.0


# What keeps a picture of this digest from having thumbnails; None where it has all.
Problems = dict[str, InvalidImage | NotFound | None]


@dataclass(frozen=True)
class Unreadable:
    """A picture that no thumbnail can be made of. reason: names the products that show it."""

    sha256: str
    reason: str


@dataclass
class Made:
    """pictures: that have all their thumbnails now; unreadable: that get none."""

    pictures: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class Told:
    """Who hears of what cannot be made, and of what can again; each is called in the transaction that notes it."""

    unreadable: Callable[[psycopg.Connection, Unreadable], None]
    mended: Callable[[psycopg.Connection, str], None]


def make_missing(
    database: Database,
    images: ImageStore,
    told: Told,
    go_on: Callable[[], bool] = lambda: True,
    rest: Callable[[float], object] = time.sleep,
) -> Made:
    """Make the thumbnails of every picture that nobody was at yet; killed at any moment it is done again from there.

    go_on: asked before each batch. rest: takes a pause of so many seconds while an import needs the cores. Raises
    StorageUnavailable, also where none of a whole batch has its file, which says that the folder is gone.
    """
    made = Made()
    while go_on():
        with database.connection() as connection:
            due = connection.execute(SQL["due"], {"limit": BATCH}).fetchall()
        if not due:
            break
        began = time.monotonic()
        problems = {sha256: _make(images, sha256, media_type) for sha256, media_type, _ in due}
        if len(due) == BATCH and all(isinstance(problem, NotFound) for problem in problems.values()):
            raise StorageUnavailable(
                f"None of {BATCH} pictures has its file in {images.folder}. Is the folder there, and the right one? "
                "Then try it again."
            )
        took = time.monotonic() - began
        with database.connection() as connection:
            problems = _look_again(connection, images, problems, {sha256: kind for sha256, kind, _ in due})
            _note(connection, problems, {sha256 for sha256, _, had_problem in due if had_problem}, told)
            is_importing = connection.execute(SQL["is_importing"]).fetchone() == (True,)
        made.unreadable += sum(problem is not None for problem in problems.values())
        made.pictures += sum(problem is None for problem in problems.values())
        if is_importing:
            rest((SHARE_BESIDE_IMPORT - 1) * took)
    return made


def make_again(database: Database, images: ImageStore, sha256: str) -> None:
    """Make those of a picture that none could be made of. Raises InvalidImage, naming the products that show it."""
    with database.connection() as connection:
        row = connection.execute(SQL["one"], {"sha256": sha256}).fetchone()
    if row is None:
        return
    first = _make(images, sha256, row[1])
    with database.connection() as connection:
        problem = _look_again(connection, images, {sha256: first}, {sha256: row[1]})[sha256]
        connection.execute(SQL["done"], {"sha256": [sha256], "problem": [problem and problem.message]})
        if problem is not None:
            reason = _name_products(connection, sha256, problem)
    if problem is not None:
        raise InvalidImage(reason) from problem


def remove_orphans(database: Database, images: ImageStore, go_on: Callable[[], bool] = lambda: True) -> int:
    """Delete thumbnails of pictures that the database knows no more, and drafts of processes that died; how many.

    A picture whose file alone is lost keeps them: they are all that shoppers see of the product until it comes back.
    """
    removed = 0
    for width in sorted(images.thumbnail_folder.glob("[0-9]*")):
        # 256 parts, so that those of a million pictures are never in memory together.
        for part in sorted(width.glob("??")):
            if not go_on():
                return removed
            removed += _remove_orphans_of(database, part)
    return removed


def _remove_orphans_of(database: Database, folder: Path) -> int:
    files = [path for path in folder.rglob("*") if path.is_file()]
    digests = [path.stem for path in files if not path.name.startswith(".")]
    with database.connection() as connection:
        known = {sha256 for (sha256,) in connection.execute(SQL["known"], {"sha256": digests})}
    removed = 0
    for path in files:
        # Another process may have removed or renamed it.
        with suppress(FileNotFoundError):
            is_draft = path.name.startswith(".")
            if is_draft and time.time() - path.stat().st_mtime < DRAFT_SECONDS:
                continue
            if is_draft or path.stem not in known:
                path.unlink()
                removed += 1
    return removed


def _make(images: ImageStore, sha256: str, media_type: str) -> InvalidImage | NotFound | None:
    """What keeps a picture from having thumbnails; None where it has all now. Raises StorageUnavailable."""
    try:
        images.make_thumbnails(sha256, media_type)
    except (InvalidImage, NotFound) as exc:
        return exc
    return None


def _look_again(
    connection: psycopg.Connection, images: ImageStore, problems: Problems, media_types: dict[str, str]
) -> Problems:
    """What is wrong with pictures behind their lock: an import may have brought a file back since it was looked for.

    Until the transaction ends, whoever stores one of them waits, and then sees what was noted.
    """
    connection.execute(SQL["lock"], {"sha256": list(problems)})
    return {
        sha256: None if problem is None else _make(images, sha256, media_types[sha256])
        for sha256, problem in problems.items()
    }


def _note(
    connection: psycopg.Connection,
    problems: Problems,
    had_problem: set[str],
    told: Told,
) -> None:
    messages = [None if problem is None else problem.message for problem in problems.values()]
    connection.execute(SQL["done"], {"sha256": list(problems), "problem": messages})
    for sha256, problem in problems.items():
        if problem is not None and sha256 not in had_problem:
            told.unreadable(connection, Unreadable(sha256, _name_products(connection, sha256, problem)))
        elif problem is None and sha256 in had_problem:
            told.mended(connection, sha256)


def _name_products(connection: psycopg.Connection, sha256: str, problem: InvalidImage | NotFound) -> str:
    rows = connection.execute(SQL["products"], {"sha256": sha256, "limit": NAMED + 1}).fetchall()
    skus = [sku for (sku,) in rows]
    named = ", ".join(skus[:NAMED]) + (", ..." if len(skus) > NAMED else "")
    way_on = "Import it again with its picture." if isinstance(problem, NotFound) else "Give it another picture."
    return f"Picture of {named or 'no product'}: {problem.message} {way_on}"
