"""Parts of a page that are asked for again and again: an answer without a body where nothing has changed.

An open stream would hold one of a few threads for as long as somebody looks at the page.
"""

import hashlib
import re
from typing import Any

from flask import Response, make_response, render_template, request

# Tells the page that nothing more will change by itself.
OVER = "X-Vitrine-Over"
_TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')


def fragment(template: str, *, is_over: bool = False, **context: Any) -> Response:
    """Render a part of a page, with an ETag of what it says: tokens of forms are new each second, and say nothing."""
    html = render_template(f"admin/{template}", **context)
    response = make_response(html)
    response.set_etag(hashlib.sha256(_TOKEN.sub("", html).encode()).hexdigest())
    if is_over:
        response.headers[OVER] = "yes"
    response.make_conditional(request)
    return response
