"""Rules as staff make and change them, each change written down."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import psycopg

from server.errors import InvalidInput, NotFound
from server.search.merchandising.rules import SQL, Kind, normalised
from server.search.statements import SQL as CATALOGUE_SQL

LONGEST_QUERY = 200


@dataclass(frozen=True)
class StoredRule:
    """A rule, whether it holds now or not. title, status: of its product."""

    id: int
    kind: Kind
    query: str
    whole: bool
    sku: str | None
    brand: str | None
    category: str | None
    place: int | None
    points: float | None
    target: str | None
    starts_at: datetime.datetime | None
    ends_at: datetime.datetime | None
    enabled: bool
    made_by: str
    made_at: datetime.datetime
    title: str | None
    status: str | None

    def state(self, now: datetime.datetime) -> str:
        """A word for people."""
        if not self.enabled:
            return "off"
        if self.starts_at is not None and self.starts_at > now:
            return "to come"
        return "over" if self.ends_at is not None and self.ends_at <= now else "on"


@dataclass(frozen=True)
class NewRule:
    """A rule as it is to be made; what its kind does not need is None."""

    kind: Kind
    query: str
    whole: bool = True
    sku: str | None = None
    brand: str | None = None
    category: str | None = None
    place: int | None = None
    points: float | None = None
    target: str | None = None
    starts_at: datetime.datetime | None = None
    ends_at: datetime.datetime | None = None


def list_rules(connection: psycopg.Connection) -> list[StoredRule]:
    """By query."""
    return [StoredRule(row[0], Kind(row[1]), *row[2:]) for row in connection.execute(SQL["all"])]


def add_rule(connection: psycopg.Connection, rule: NewRule, actor: str) -> int:
    """Make a rule; its number. A brand or category is stored as live products have it, whatever its capitals.

    Raises InvalidInput with the field that is wrong.
    """
    query = normalised(rule.query)
    if not query:
        raise wrong_field("query", "Write the words that shoppers type.")
    if len(query) > LONGEST_QUERY or "\0" in query:
        raise wrong_field("query", f"Write at most {LONGEST_QUERY} characters.")
    _check(connection, rule)
    rule = _as_the_catalogue_writes(connection, rule)
    _refuse_another(connection, rule, query)
    parameters = {**{name: getattr(rule, name) for name in NewRule.__dataclass_fields__}, "query": query, "by": actor}
    (number, after) = connection.execute(SQL["add"], parameters).fetchone() or (0, None)
    _audit(connection, actor, "rule added", number, None, after)
    return int(number)


def enable_rule(connection: psycopg.Connection, number: int, enabled: bool, actor: str) -> None:
    """Have it hold or rest. Raises NotFound."""
    before = _before(connection, number)
    row = connection.execute(SQL["enable"], {"id": number, "enabled": enabled}).fetchone()
    _audit(connection, actor, "rule switched on" if enabled else "rule switched off", number, before, row and row[0])


def delete_rule(connection: psycopg.Connection, number: int, actor: str) -> None:
    """Take it away. Raises NotFound."""
    before = _before(connection, number)
    connection.execute(SQL["delete"], {"id": number})
    _audit(connection, actor, "rule deleted", number, before, None)


def _check(connection: psycopg.Connection, rule: NewRule) -> None:
    if rule.ends_at is not None and rule.starts_at is not None and rule.ends_at <= rule.starts_at:
        raise wrong_field("ends_at", "It has to end after it begins.")
    if rule.sku is not None:
        row = connection.execute(SQL["sku_is_there"], {"sku": rule.sku}).fetchone()
        if row != (True,):
            raise wrong_field("sku", f"There is no product {rule.sku[:100]}.")
    if rule.kind in (Kind.PIN, Kind.BURY) and rule.sku is None:
        raise wrong_field("sku", "Write the SKU of the product.")
    if rule.kind is Kind.PIN and not (rule.place is not None and 1 <= rule.place <= 100):
        raise wrong_field("place", "Write a place from 1 to 100.")
    if rule.kind is Kind.BOOST:
        if sum(one is not None for one in (rule.sku, rule.brand, rule.category)) != 1:
            raise wrong_field("sku", "A boost is of a product, a brand or a category: write one of them.")
        if rule.points is None or not -10 <= rule.points <= 10 or rule.points == 0:
            raise wrong_field("points", "Write from -10 to 10; 1 is a little, 3 is much.")
    if rule.kind is Kind.REDIRECT:
        _check_target(rule)


def _as_the_catalogue_writes(connection: psycopg.Connection, rule: NewRule) -> NewRule:
    """The same with the spelling of live products. Raises InvalidInput where none is so: the rule would do nothing."""
    if rule.brand is not None:
        brand = _spelled(rule.brand, connection.execute(CATALOGUE_SQL["brands"]).fetchall())
        if brand is None:
            raise wrong_field("brand", f"No product in the shop is of the brand {rule.brand[:100]}.")
        rule = replace(rule, brand=brand)
    if rule.category is not None:
        depth = rule.category.count("/") + 1
        rows = connection.execute(CATALOGUE_SQL["categories"]).fetchall()
        # Products below a category are in it.
        category = _spelled(rule.category, [("/".join(path.split("/")[:depth]), count) for path, count in rows])
        if category is None:
            raise wrong_field("category", f"No product in the shop is in the category {rule.category[:100]}.")
        rule = replace(rule, category=category)
    return rule


def _spelled(typed: str, counted: Iterable[tuple[str, int]]) -> str | None:
    """As it was typed where there is such a name, else as most products write it; None where it differs by more."""
    found: Counter[str] = Counter()
    for name, count in counted:
        if name.casefold() == typed.casefold():
            found[name] += count
    return typed if typed in found else next((name for name, _ in found.most_common(1)), None)


def _refuse_another(connection: psycopg.Connection, rule: NewRule, query: str) -> None:
    """Raises InvalidInput where a rule does the same for this query within the same time, or stands at the same place.

    One that is switched off counts, since it may be switched on at any time.
    """
    # Whoever clicks twice sends two requests at once: the second waits, and sees what the first one made.
    connection.execute(SQL["lock"])
    told = {name: getattr(rule, name) for name in NewRule.__dataclass_fields__}
    row = connection.execute(SQL["another"], {**told, "query": query}).fetchone()
    if row is None:
        return
    sku, enabled = row
    rests = "" if enabled else " It is switched off."
    if rule.kind is Kind.PIN and sku != rule.sku:
        raise wrong_field("place", f"At place {rule.place} of this query {sku} is pinned already.{rests}")
    if rule.kind is Kind.REDIRECT:
        raise wrong_field("target", f"This query leads to a page already. Delete that rule first.{rests}")
    done = {Kind.PIN: "is pinned", Kind.BURY: "is buried", Kind.BOOST: "has a boost"}[rule.kind]
    field, what = next((name, told[name]) for name in ("sku", "brand", "category") if told[name] is not None)
    raise wrong_field(field, f"{what} {done} for this query already. Delete that rule first.{rests}")


def wrong_field(field: str, sentence: str) -> InvalidInput:
    """What is wrong with a field. A page says its own label in place of the field's name."""
    return InvalidInput(f"{field}: {sentence}", field=field, reason=sentence)


def _check_target(rule: NewRule) -> None:
    if not is_safe_target(rule.target or ""):
        raise wrong_field("target", "Write a page of this shop such as /?category=Bags, or an address with https://.")
    if leads_back(rule):
        raise wrong_field("target", "This page is a search that the rule holds for itself, and would never be reached.")


def is_safe_target(target: str) -> bool:
    """Whether a shopper may be sent there: a path of this shop, or another site by name."""
    if any(ord(letter) <= 32 or letter == "\\" for letter in target) or len(target) > 2000:
        return False
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    if parts.scheme in ("http", "https"):
        return bool(parts.hostname)
    return not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith("//")


def leads_back(rule: NewRule) -> bool:
    """Whether a redirect leads to a search of this shop that it holds for."""
    parts = urlsplit(rule.target or "")
    asked = [normalised(value) for value in parse_qs(parts.query).get("q", [])]
    mine, words = normalised(rule.query), set(normalised(rule.query).split())
    return not parts.netloc and any(one == mine or (not rule.whole and words <= set(one.split())) for one in asked)


def _before(connection: psycopg.Connection, number: int) -> Any:
    row = connection.execute(SQL["one"], {"id": number}).fetchone()
    if row is None:
        raise NotFound("There is no such rule, or somebody has deleted it.")
    return row[0]


def _audit(connection: psycopg.Connection, actor: str, action: str, number: int, before: Any, after: Any) -> None:
    told = {"before": _json(before), "after": _json(after)}
    connection.execute(SQL["audit"], {"actor": actor, "action": action, "subject": f"rule {number}", **told})


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
