"""What tests do with the pages of products: fill forms as a browser would, and look at what came of it."""

import html
import io
import re
from typing import Any

from PIL import Image
from werkzeug.test import TestResponse

from server.catalog import gallery
from server.catalog.product import Product, ProductInput
from server.services import Services
from tests.integration.admin.conftest import Person


def picture(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, "PNG")
    return file.getvalue()


def form_of(person: Person, path: str) -> dict[str, str]:
    """What a browser would send back of the form on a page: every field as it stands."""
    page = person.get(path).text
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    areas = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    chosen = re.findall(r'<select[^>]*name="([^"]+)">.*?<option value="([^"]*)" selected>', page, re.DOTALL)
    return {name: html.unescape(value) for name, value in {**fields, **dict(areas), **dict(chosen)}.items()}


def save(person: Person, of: str | None, pictures: list[bytes] | None = None, **changed: str) -> TestResponse:
    """Open the form, change some of it, and send it."""
    path = "/admin/product" + (f"?sku={of}" if of else "")
    data: dict[str, Any] = {key: value for key, value in form_of(person, path).items() if not key.startswith("remove:")}
    data |= changed
    data["pictures"] = [(io.BytesIO(one), f"{number}.png") for number, one in enumerate(pictures or [])]
    return person.client.post(path, data=data, headers={"Accept": "text/html"})


def add(services: Services, sku: str, **fields: Any) -> Product:
    return services.catalog.put(ProductInput(**{"sku": sku, "title": f"Mug {sku}", "price": 10, **fields}))[0]


def shown(services: Services, sku: str) -> list[tuple[str, str]]:
    with services.database.connection() as connection:
        return [(one.sha256, one.alt) for one in gallery.read_gallery(connection, sku)]


def change(person: Person, action: str, skus: list[str], **fields: str) -> TestResponse:
    data = {"csrf_token": person.token("/admin/products"), "action": action, "sku": skus, **fields}
    return person.client.post("/admin/products/change", data=data, headers={"Accept": "text/html"})
