"""What people search for: the reports of the last days, each line with the way to do something about it."""

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from server.admin.page import page
from server.events.reports import SLOW_MS, read_report
from server.web.context import current_services

bp = Blueprint("searches", __name__)

# What may be looked at: the name in the address, and the days.
SPANS = {"day": 1, "week": 7, "month": 30}
USUAL = "week"


@bp.get("/searches")
def overview() -> AnyResponse:
    """The report."""
    span = request.args.get("span", USUAL)
    span = span if span in SPANS else USUAL
    services = current_services()
    with services.database.connection() as connection:
        report = read_report(connection, SPANS[span])
    kept = services.settings.search_events_days
    return page("searches.html", report=report, span=span, spans=SPANS, kept_days=kept, slow_ms=SLOW_MS)
