"""Merchandising: pins, buries, boosts and redirects of single queries, and a look at what they do."""

import datetime
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server.admin.known import known_names
from server.admin.page import page
from server.admin.product_form import as_sentence
from server.catalog.values import parse_category
from server.errors import InvalidInput, ModelError
from server.search.merchandising.editing import NewRule, add_rule, delete_rule, enable_rule, list_rules, wrong_field
from server.search.merchandising.rules import Kind
from server.search.query import Query
from server.search.service import ResultPage
from server.web.context import current_services

bp = Blueprint("rules", __name__)

KINDS = {
    Kind.PIN: "pin: a product stands at the top",
    Kind.BURY: "bury: a product stands at the end",
    Kind.BOOST: "boost: products move up, or down",
    Kind.REDIRECT: "redirect: shoppers go to a page",
}
FIELDS = ("kind", "query", "whole", "sku", "brand", "category", "place", "points", "target", "starts_at", "ends_at")
# What the page calls the fields, in messages too.
LABELS = {
    "kind": "What happens",
    "query": "When shoppers type",
    "sku": "Product (SKU)",
    "place": "Place",
    "brand": "Brand",
    "category": "Category",
    "points": "Points",
    "target": "Page",
    "starts_at": "From",
    "ends_at": "Until",
}
# What is said of a rule that was switched, by its state then.
SWITCHED = {
    "on": "The rule holds again.",
    "off": "The rule rests.",
    "to come": "The rule is switched on, and holds when its time comes.",
    "over": "The rule is switched on, but its time is over: it does nothing.",
}
SHOWN = 24


@bp.get("/rules")
def overview() -> AnyResponse:
    """All rules, and a form for another one; ?query= and ?sku= fill it in."""
    given = {name: request.args.get(name, "") for name in FIELDS}
    return _overview({**given, "whole": "yes", "place": given["place"] or "1"})


@bp.post("/rules")
def add() -> AnyResponse:
    """Make a rule. What is wrong is said, and what was typed stays."""
    services = current_services()
    given = {name: request.form.get(name, "").strip() for name in FIELDS}
    try:
        rule = _read(given)
        with services.database.connection() as connection:
            add_rule(connection, rule, _actor())
    except InvalidInput as exc:
        return _overview(given, exc)
    services.search.rules.forget()
    flash(_told_made(given["query"], rule, datetime.datetime.now(datetime.UTC)))
    return redirect(url_for("admin.rules.preview", query=given["query"]))


@bp.post("/rules/<int:rule>/switch")
def switch(rule: int) -> AnyResponse:
    """Have it hold, or rest."""
    enabled, services = request.form.get("enabled") == "yes", current_services()
    with services.database.connection() as connection:
        enable_rule(connection, rule, enabled, _actor())
        now = datetime.datetime.now(datetime.UTC)
        state = next((one.state(now) for one in list_rules(connection) if one.id == rule), "off")
    services.search.rules.forget()
    flash(SWITCHED[state])
    return redirect(url_for("admin.rules.overview"))


@bp.post("/rules/<int:rule>/delete")
def delete(rule: int) -> AnyResponse:
    """Take it away."""
    services = current_services()
    with services.database.connection() as connection:
        delete_rule(connection, rule, _actor())
    services.search.rules.forget()
    flash("The rule is deleted.")
    return redirect(url_for("admin.rules.overview"))


@bp.get("/rules/preview")
def preview() -> AnyResponse:
    """The result of a query without the rules, and beside it with them."""
    query = request.args.get("query", "").strip()[:200]
    search, refusal = current_services().search, None
    results: list[tuple[str, ResultPage]] = []
    if query:
        search.rules.forget()
        asked = Query(limit=SHOWN, collapse=True, relevant_only=True, explain=True)
        try:
            without = search.by_text(query, Query(**{**vars(asked), "merchandise": False}))
            results = [("Without the rules", without), ("With the rules", search.by_text(query, asked))]
        except ModelError as exc:
            refusal = exc.message
    before = {hit.sku: place for place, hit in enumerate(results[0][1].hits, 1)} if results else {}
    return page("rules_preview.html", query=query, results=results, before=before, refusal=refusal)


def _overview(given: Mapping[str, str], refused: InvalidInput | None = None) -> AnyResponse:
    services = current_services()
    with services.database.connection() as connection:
        rules = list_rules(connection)
    told: dict[str, Any] = {"refusal": None, "wrong": None}
    if refused is not None:
        field = str(refused.context["field"])
        told = {"refusal": f"{LABELS[field]}: {refused.context['reason']}", "wrong": field}
    return page(
        "rules.html",
        HTTPStatus.OK if refused is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        rules=rules,
        now=datetime.datetime.now(datetime.UTC),
        kinds=KINDS,
        given=given,
        known=known_names(services),
        **told,
    )


def _told_made(query: str, rule: NewRule, now: datetime.datetime) -> str:
    """What became of a new rule, which need not hold yet, nor any more."""
    if rule.ends_at is not None and rule.ends_at <= now:
        return f"The rule for “{query}” is kept, but its time is over: it does nothing."
    if rule.starts_at is not None and rule.starts_at > now:
        return f"The rule for “{query}” holds from {rule.starts_at:%Y-%m-%d %H:%M} UTC."
    return f"The rule for “{query}” holds within seconds."


def _read(given: Mapping[str, str]) -> NewRule:
    """The form's texts. What the kind does not need is left out. Raises InvalidInput."""
    try:
        kind = Kind(given["kind"])
    except ValueError:
        raise wrong_field("kind", "Choose what the rule does.") from None
    wanted: dict[Kind, dict[str, Any]] = {
        Kind.PIN: {"sku": given["sku"] or None, "place": _number("place", given["place"], int)},
        Kind.BURY: {"sku": given["sku"] or None},
        Kind.BOOST: {
            **{name: given[name] or None for name in ("sku", "brand")},
            "category": _category(given["category"]) if kind is Kind.BOOST else None,
            "points": _number("points", given["points"], float),
        },
        Kind.REDIRECT: {"target": given["target"]},
    }
    # Each is read when its kind asks for it alone: what stands in the others is of no interest.
    return NewRule(
        kind,
        given["query"],
        whole=given["whole"] == "yes",
        starts_at=_moment("starts_at", given["starts_at"]),
        ends_at=_moment("ends_at", given["ends_at"]),
        **wanted[kind],
    )


def _category(told: str) -> str | None:
    """A path as products have it, whichever signs stand between its parts."""
    try:
        return parse_category(told)
    except ValueError as exc:
        raise wrong_field("category", as_sentence(str(exc))) from None


def _number(field: str, told: str, kind: Any) -> Any:
    """None where it is none: whoever needs it says so."""
    try:
        number = kind(told.replace(",", "."))
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1_000_000 else None


def _moment(field: str, told: str) -> datetime.datetime | None:
    """Of a field with date and time, which browsers send without a zone: UTC, as the page says."""
    if not told:
        return None
    try:
        return datetime.datetime.fromisoformat(told).replace(tzinfo=datetime.UTC)
    except ValueError:
        raise wrong_field(field, "Write a date and a time, such as 2026-12-24T18:00.") from None


def _actor() -> str:
    return str(current_user.account.name)
