"""From a file's row to a change: columns matched, values checked, the picture found."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from server.catalog import values
from server.catalog.change import Change
from server.catalog.feeds.base import Feed, Pictures, RawRow
from server.catalog.feeds.columns import ColumnMatcher, normalised
from server.catalog.feeds.fetch import Fetcher
from server.catalog.html_text import html_to_text
from server.catalog.images import data_url_bytes
from server.catalog.picture import MB
from server.catalog.product import ProductPatch, problems
from server.errors import FeedError
from server.settings import Settings

Problem = tuple[str, str]

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_NEXT_URL = re.compile(r"[\s,;|]+(?=https?://)")
URLS_ARE_OFF = (
    "is a URL, and pictures are downloaded only where the setting VITRINE_FETCH_IMAGE_URLS is on. Turn it on, or give "
    "a file beside the catalogue"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was made of a row: a change, or problems. `sku` is known even where the rest is wrong."""

    row: RawRow
    sku: str | None
    change: Change | None
    problems: tuple[Problem, ...]


class Interpreter:
    """Reads the rows of one feed. Raises FeedError at once where its columns cannot be matched."""

    def __init__(self, feed: Feed, matcher: ColumnMatcher, settings: Settings, fetcher: Fetcher) -> None:
        self._pictures: Pictures = feed.pictures
        self._matcher = matcher
        self._settings = settings
        self._fetcher = fetcher
        self._limit = settings.max_upload_mb * MB
        if feed.columns is not None:
            matcher.check(feed.columns)
            fields = matcher.match(feed.columns).values()
            if "sku" not in fields:
                raise FeedError(
                    f"{feed.name} has no column for the SKU. Its columns are: {', '.join(feed.columns)}. Say which one "
                    "it is: --map sku=COLUMN"
                )

    def read(self, row: RawRow, place: str) -> Reading:
        """Make a change of a row; `place` is where it stands, for messages."""
        try:
            fields = self._matcher.match(tuple(row.cells))
        except FeedError as exc:
            return Reading(row, None, None, (("", exc.message),))
        by_field = {field: row.cells[column] for column, field in fields.items() if field is not None}
        sku, found = _read_sku(by_field.pop("sku", None))
        if row.problem is not None:
            column, reason = row.problem
            return Reading(row, sku, None, ((fields.get(column) or column, reason),))
        picture = None
        try:
            picture = self._picture(by_field.pop("image", None))
        except ValueError as exc:
            found.append(("image", str(exc)))
        for column, field in fields.items():
            if field == "description" and "html" in normalised(column) and isinstance(row.cells[column], str):
                by_field["description"] = html_to_text(row.cells[column])
        patch, trouble = _read_fields(by_field)
        found += trouble
        extra, trouble = _read_extra({column: row.cells[column] for column, field in fields.items() if field is None})
        found += trouble
        if sku is None or found:
            return Reading(row, sku, None, tuple(found))
        change = Change(
            sku, patch, defaults=row.defaults, attributes=extra, picture=picture, from_feed=True, place=place
        )
        return Reading(row, sku, change, ())

    def _picture(self, cell: Any) -> Callable[[], bytes] | None:
        """What gives the picture's bytes; None where the cell is empty. Raises ValueError."""
        if isinstance(cell, Mapping) and cell.keys() <= {"bytes", "path"}:
            # As Hugging Face's datasets write an image column.
            cell = cell.get("bytes") if cell.get("bytes") is not None else cell.get("path")
        if _is_blank(cell):
            return None
        if isinstance(cell, bytes):
            data = cell
            return lambda: data
        if not isinstance(cell, str):
            raise ValueError("is neither a path nor the bytes of a picture")
        values.refuse_unstorable(cell)
        return self._named_picture(cell.strip())

    def _named_picture(self, text: str) -> Callable[[], bytes]:
        if text[:5].lower() == "data:":
            return lambda: data_url_bytes(text)
        if text.lower().startswith(("http://", "https://")):
            if not self._settings.fetch_image_urls:
                raise ValueError(URLS_ARE_OFF)
            url = _NEXT_URL.split(text)[0]
            return lambda: self._fetcher.read(url, self._limit)
        if _SCHEME.match(text):
            raise ValueError(f"'{values.shown(text)}' is a URL of a kind that is not read")
        return lambda: self._pictures.read(text, self._limit)


def _read_sku(cell: Any) -> tuple[str | None, list[Problem]]:
    try:
        return values.parse_sku(_whole_text(cell)), []
    except ValueError as exc:
        return None, [("sku", str(exc))]


def _read_fields(cells: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Checked values of the columns that the row has. An empty currency or status is as good as no column."""
    given = {field: _whole_text(cell) for field, cell in cells.items()}
    for field in ("currency", "status"):
        if _is_blank(given.get(field)):
            given.pop(field, None)
    if "title" in given and _is_blank(given["title"]):
        return {}, [("title", "is missing")]
    if _is_blank(given.get("attributes", "given")):
        given["attributes"] = {}
    try:
        patch = ProductPatch.model_validate(given)
    except ValidationError as exc:
        return {}, problems(exc)
    except RecursionError:
        return {}, [("attributes", "is nested too deep")]
    return {field: getattr(patch, field) for field in patch.model_fields_set}, []


def _read_extra(cells: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Columns that no field claims, as attributes. An empty cell takes the attribute away; bytes are left out."""
    extra: dict[str, Any] = {}
    for column, cell in cells.items():
        if isinstance(cell, bytes):
            continue
        try:
            values.refuse_unstorable(column)
            value = values.to_json(cell)
        except ValueError as exc:
            return {}, [(column, str(exc))]
        if isinstance(value, str):
            value = value.strip() or None
        extra[column] = value
    if len(orjson.dumps(extra)) > values.LARGEST_ATTRIBUTES:
        return {}, [
            ("attributes", f"the columns beyond the known ones have more than {values.LARGEST_ATTRIBUTES:,} bytes")
        ]
    return extra, []


def _whole_text(cell: Any) -> Any:
    """Bytes as text, where a Parquet file holds text so."""
    if isinstance(cell, bytes):
        try:
            return cell.decode()
        except UnicodeDecodeError:
            return cell
    return cell


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
