"""The audit log: who changed accounts, keys, the model, rules and synonyms. Products have a history of their own."""

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from server.admin.page import page
from server.staff import audit
from server.web.context import current_services

bp = Blueprint("audit", __name__)

MOST_SHOWN = 200


@bp.get("/audit")
def overview() -> AnyResponse:
    """The newest entries; ?subject= of one thing alone."""
    subject = request.args.get("subject", "").replace("\0", "")[:300] or None
    with current_services().database.connection() as connection:
        entries = audit.newest(connection, MOST_SHOWN, subject)
    return page("audit.html", entries=entries, subject=subject)
