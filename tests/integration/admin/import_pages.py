"""What tests do with the pages of imports: send files, start runs, and look at what came of it."""

import io

from PIL import Image
from werkzeug.test import TestResponse

from server.db.engine import Database
from server.imports import runs
from server.imports.runs import Run
from server.services import Services
from tests.integration.admin.conftest import Person

GOOD = "sku,title,price\nA-1,Red mug,5\nA-2,Blue mug,6\n"


def upload(person: Person, *files: tuple[str, bytes]) -> int:
    """Send files by the form; the number of the import."""
    answer = person.send_files("/admin/imports", "/admin/imports", files=files)
    assert answer.status_code == 302, answer.text
    return int(answer.location.rpartition("/")[2])


def find(services: Services, run: int) -> Run:
    with services.database.connection() as connection:
        return runs.find(connection, run)


def titles(database: Database) -> dict[str, str]:
    with database.connection() as connection:
        return dict(connection.execute("SELECT sku, title FROM product WHERE status = 'live' ORDER BY sku").fetchall())


def start(person: Person, run: int, **fields: str) -> TestResponse:
    return person.send(f"/admin/imports/{run}/start", f"/admin/imports/{run}", **fields)


def picture() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((40, 40), 90).convert("RGB").save(file, "PNG")
    return file.getvalue()


def begin(person: Person, paths: list[str], size: int) -> TestResponse:
    return person.send_json("/admin/imports/begin", "/admin/imports", {"paths": paths, "bytes": size})


def put(person: Person, run: int, path: str, offset: int, data: bytes) -> TestResponse:
    return person.put(f"/admin/imports/{run}/file", "/admin/imports", data, path=path, offset=str(offset))
