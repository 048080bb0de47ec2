"""Many products on one picture."""

from __future__ import annotations

from collections.abc import Iterable

from PIL import Image

from server.demo.catalogue import DrawnProduct


def contact_sheet(products: Iterable[DrawnProduct], columns: int, cell: int) -> Image.Image:
    """The products' pictures in rows of `columns`, each `cell` pixels wide."""
    drawn = list(products)
    rows = -(-len(drawn) // columns)
    sheet = Image.new("RGB", (columns * cell, max(1, rows) * cell), (255, 255, 255))
    for index, product in enumerate(drawn):
        sheet.paste(product.draw(cell), (index % columns * cell, index // columns * cell))
    return sheet
