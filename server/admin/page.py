"""An admin page: its template, its headers, and what every one of them shows."""

from http import HTTPStatus
from typing import Any

import orjson
from flask import Response, make_response, render_template

from server import __version__
from server.web.context import current_services

# Of a value in a history; a description may have pages.
LONGEST_VALUE = 300

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page(template: str, status: HTTPStatus = HTTPStatus.OK, **context: Any) -> Response:
    """Render one."""
    html = render_template(
        f"admin/{template}", shop_name=current_services().settings.shop_name, version=__version__, **context
    )
    response = make_response(html, status)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


def told_bytes(number: int) -> str:
    """A size for people: 3.2 GB."""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit in ("B", "kB") or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def told_value(value: Any) -> str:
    """A value of a product's history for people."""
    if value is None or value == "":
        return "(empty)"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def told_duration(seconds: float | None) -> str:
    """A time for people: 3 min 20 s."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
