"""Which column of a file is which field of a product.

Names are compared without case, spaces, underscores, hyphens and other punctuation. Where several columns mean one
field, the one whose name stands first below wins; the others become attributes, as does every column that no field
claims.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from server.catalog.feeds.base import ERROR_COLUMNS
from server.errors import FeedError

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "sku": (
        "sku", "product sku", "variant sku", "item sku", "product id", "item id", "article number", "item number",
        "product code", "item code", "id", "handle",
    ),
    "title": ("title", "name", "product name", "product title", "product display name", "item name", "item title"),
    "description": (
        "description", "product description", "long description", "body", "body html", "details", "short description",
    ),
    "brand": ("brand", "brand name", "vendor", "manufacturer"),
    "category": (
        "category", "category path", "product category", "product type", "categories", "google product category",
        "type",
    ),
    "price": ("price", "regular price", "unit price", "list price", "variant price", "retail price"),
    "sale_price": ("sale price", "special price", "discount price", "discounted price", "offer price"),
    "currency": ("currency", "currency code", "price currency"),
    "stock": (
        "stock", "quantity", "stock quantity", "inventory", "inventory quantity", "variant inventory qty", "qty",
        "in stock quantity",
    ),
    "status": ("status", "product status"),
    "item_group": ("item group", "item group id", "parent sku", "parent id", "group id", "style id"),
    "image": (
        "image", "image url", "image link", "image path", "image file", "image src", "image filename", "image name",
        "images", "picture", "picture url", "picture path", "photo", "photo url", "main image", "product image",
        "img", "filename", "file name",
    ),
    "attributes": ("attributes", "properties", "specifications"),
}  # fmt: skip

# A column that becomes nothing.
LEFT_OUT = ""


def normalised(name: str) -> str:
    """The name as it is compared: 'Body (HTML)' and 'body_html' are one."""
    return re.sub(r"[\W_]+", "", name.casefold())


_RANKS = {
    normalised(synonym): (field, rank) for field, synonyms in SYNONYMS.items() for rank, synonym in enumerate(synonyms)
}
_IGNORED = {normalised(name) for name in ERROR_COLUMNS}


def parse_overrides(given: Sequence[str]) -> dict[str, str]:
    """`title=Product Name` -> {"title": "Product Name"}. Raises FeedError."""
    overrides: dict[str, str] = {}
    for text in given:
        field, equals, column = (part.strip() for part in text.partition("="))
        if not equals or not column:
            raise FeedError(f"--map {text}: write it as field=column, such as title=name.")
        if field not in SYNONYMS:
            raise FeedError(f"--map {text}: there is no field {field!r}. There are: {', '.join(SYNONYMS)}.")
        if field in overrides:
            raise FeedError(f"--map names a column for {field} twice.")
        overrides[field] = column
    return overrides


class ColumnMatcher:
    """Finds the fields in the column names of a file, or of each row where rows may differ."""

    def __init__(
        self, overrides: Mapping[str, str] | None = None, chosen: Mapping[str, str | None] | None = None
    ) -> None:
        """overrides: field -> column. chosen: column -> field, None: an attribute, LEFT_OUT: nothing.

        Both win over what the columns' names say.
        """
        self._overrides = dict(overrides or {})
        self._chosen = dict(chosen or {})
        self.match = lru_cache(maxsize=1_000)(self._match)

    def check(self, columns: Sequence[str]) -> None:
        """Raise FeedError where --map names a column that a file with fixed columns lacks."""
        for field, column in self._overrides.items():
            if not any(self._is(column, other) for other in columns):
                there_are = ", ".join(columns)
                raise FeedError(f"--map {field}={column}: the file has no column {column!r}. There are: {there_are}.")

    def _match(self, columns: tuple[str, ...]) -> Mapping[str, str | None]:
        """column -> field, or None where it becomes an attribute; columns to ignore are left out. Raises FeedError."""
        claims: dict[str, list[tuple[int, str]]] = {}
        result: dict[str, str | None] = {}
        for column in columns:
            if not column.strip() or normalised(column) in _IGNORED or self._chosen.get(column) == LEFT_OUT:
                continue
            result[column] = None
            for field, rank in self._claims(column):
                claims.setdefault(field, []).append((rank, column))
        for field, ranked in claims.items():
            ranked.sort(key=lambda claim: claim[0])
            if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
                names = " and ".join(repr(column) for _, column in ranked[:2])
                raise FeedError(
                    f"The columns {names} both mean {field}. Rename one, or say which: --map {field}=COLUMN."
                )
            if result[ranked[0][1]] is not None:
                raise FeedError(f"--map gives the column {ranked[0][1]!r} to two fields.")
            result[ranked[0][1]] = field
        return result

    def _claims(self, column: str) -> list[tuple[str, int]]:
        """(field, rank) for each field that a column may be; the lowest rank has the field."""
        if column in self._chosen:
            field = self._chosen[column]
            return [] if field is None else [(field, -1)]
        mapped = [(field, -1) for field, other in self._overrides.items() if self._is(other, column)]
        if mapped or normalised(column) not in _RANKS:
            return mapped
        field, rank = _RANKS[normalised(column)]
        return [] if field in self._overrides or field in self._chosen.values() else [(field, rank)]

    @staticmethod
    def _is(wanted: str, column: str) -> bool:
        return wanted == column or normalised(wanted) == normalised(column) != ""
