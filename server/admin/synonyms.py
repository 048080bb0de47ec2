"""Words that stand for others in a search: the list, and how it is changed."""

import re
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import psycopg
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server.admin.page import page
from server.admin.searches import SPANS
from server.errors import Conflict, InvalidInput, VitrineError
from server.search.words.synonym_table import add_synonym, list_synonyms, remove_synonym
from server.search.words.synonyms import LONGEST_SYNONYM, MOST_REPLACEMENTS, Synonym
from server.staff import audit
from server.web.context import current_services

bp = Blueprint("synonyms", __name__)


@bp.get("/synonyms")
def overview() -> AnyResponse:
    """All of them, and a form for another one. `words` fills it in."""
    return _overview(words=request.args.get("words", ""))


@bp.post("/synonyms")
def add() -> AnyResponse:
    """Store one. Who came from the report goes back there."""
    words, replacements = request.form.get("words", ""), request.form.get("replacements", "")
    two_way = request.form.get("direction") != "one"
    others = [other for other in re.split(r"[,\n]", replacements) if other.strip()]
    try:
        with current_services().database.connection() as connection:
            added = add_synonym(connection, words, others, two_way)
            _audit(connection, "add", added, after=_told(added))
    except (InvalidInput, Conflict) as exc:
        given = {"words": words, "replacements": replacements, "two_way": two_way}
        return _overview(HTTPStatus(exc.status), refusal=exc.message, **given)
    _use_now()
    flash(f"“{added.words}” has synonyms. All servers search by them within half a minute.")
    span = request.form.get("span")
    return redirect(url_for("admin.searches.overview", span=span) if span in SPANS else _home())


@bp.post("/synonyms/<int:number>/delete")
def delete(number: int) -> AnyResponse:
    """Take one away."""
    with current_services().database.connection() as connection:
        for removed in remove_synonym(connection, str(number)):
            _audit(connection, "delete", removed, before=_told(removed))
            flash(f"“{removed.words}” has these synonyms no more.")
    _use_now()
    return redirect(_home())


def _overview(status: HTTPStatus = HTTPStatus.OK, **given: Any) -> AnyResponse:
    with current_services().database.connection() as connection:
        found = list_synonyms(connection)
    limits = {"longest": LONGEST_SYNONYM, "most": MOST_REPLACEMENTS}
    form = {"words": "", "replacements": "", "two_way": True, "refusal": None, **given}
    return page("synonyms.html", status, synonyms=found, limits=limits, form=form)


def _use_now() -> None:
    """This process need not wait for its next look."""
    with suppress(VitrineError):
        current_services().search.words.update()


def _audit(connection: psycopg.Connection, action: str, synonym: Synonym, **told: Any) -> None:
    audit.record(connection, current_user.account.name, action, f"synonym/{synonym.words}", **told)


def _told(synonym: Synonym) -> dict[str, Any]:
    return {"words": synonym.words, "replacements": list(synonym.replacements), "two_way": synonym.two_way}


def _home() -> str:
    return url_for("admin.synonyms.overview")
