"""What people search for: the reports of the last days, each line with the way to do something about it."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server.admin.page import page
from server.events.forgetting import forget_query
from server.events.reports import SLOW_MS, read_report
from server.staff import audit
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


@bp.post("/searches/forget")
def forget() -> AnyResponse:
    """Erase all searches for a text, which can be personal: so the audit log does not have it either."""
    with current_services().database.connection() as connection:
        erased = forget_query(connection, request.form.get("query", ""))
        audit.record(connection, current_user.account.name, "erase", "searches", after={"searches": erased})
    flash("One search is erased." if erased == 1 else f"{erased:,} searches are erased.")
    span = request.form.get("span")
    return redirect(url_for("admin.searches.overview", span=span if span in SPANS else None))
