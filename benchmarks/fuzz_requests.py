"""Requests for benchmarks/fuzz.py: most of them meant, some odd, some wrong, drawn from what the catalogue holds."""

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FACETS = ["brand", "category", "price", "stock", "attributes"]
SORTS = ["relevance", "price_asc", "price_desc", "newest"]
ODD_LETTERS = string.printable + "äßéİıſΩжщ中文אب\u202e\u200d\0😀👩‍👩‍👧%_\\'\"`^-:;()[]{}<>|&!~*"


@dataclass(frozen=True)
class Item:
    """A product, as far as requests are made of it."""

    sku: str
    title: str
    brand: str | None
    category: str | None
    price: float | None
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Request:
    """kind: its row of the table. query: parameters. body: as JSON; raw: as it is; picture: a file's bytes."""

    kind: str
    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    raw: bytes | None = None
    picture: bytes | None = None

    def at(self, cursor: str) -> "Request":
        """The same request for the page behind a cursor."""
        if isinstance(self.body, dict):
            return Request("next page", self.method, self.path, self.query, {**self.body, "cursor": cursor})
        return Request(
            "next page", self.method, self.path, {**self.query, "cursor": cursor}, self.body, self.raw, self.picture
        )


class Drawer:
    """Draws requests. The same seed and catalogue draw the same ones."""

    def __init__(self, items: list[Item], pictures: list[bytes], seed: int) -> None:
        self.items = items
        self.pictures = pictures
        self.draw = random.Random(seed)
        self.cursors: list[str] = []
        self._kinds: list[tuple[int, Callable[[], Request]]] = [
            (24, self._words),
            (14, self._typed),
            (16, self._filtered),
            (6, self._browse),
            (8, self._composed),
            (3, self._picture),
            (8, self._similar),
            (6, self._suggest),
            (6, self._odd),
            (9, self._wrong),
        ]

    def next(self) -> Request:
        """A request of any kind."""
        weights = [weight for weight, _ in self._kinds]
        return self.draw.choices([make for _, make in self._kinds], weights)[0]()

    # -- meant -------------------------------------------------------------------------------------------------

    def _words(self) -> Request:
        return Request("words", "GET", "/api/v1/search", {"q": self._some_words(), **self._options(mode=True)})

    def _typed(self) -> Request:
        item, draw = self.draw.choice(self.items), self.draw
        price = (item.price or 20.0) * draw.uniform(0.8, 3)
        pieces = [
            f"under {price:.0f}",
            f"under ${price:.2f}",
            f"{price / 4:.0f}-{price:.0f}",
            f"over {price / 5:.0f} usd",
            f'brand:"{item.brand}"',
            f"category:{(item.category or 'x').split('/')[-1]}",
            "in stock",
            f"-{self._word()}",
            f'"{item.title.split()[0]}"',
            f"{self._word()}^{draw.choice(['2', '0.5', '9'])}",
        ]
        words = [*item.title.split()[-2:], *draw.sample(pieces, draw.randint(1, 2))]
        return Request("typed", "GET", "/api/v1/search", {"q": " ".join(words), **self._options(mode=True)})

    def _filtered(self) -> Request:
        query = {"q": self._some_words(), **self._filters(self.draw.choice(self.items)), **self._options(mode=True)}
        return Request("filters", "GET", "/api/v1/search", query)

    def _browse(self) -> Request:
        filters = self._filters(self.draw.choice(self.items)) if self.draw.random() < 0.6 else {}
        return Request("browse", "GET", "/api/v1/search", {**filters, **self._options(mode=True)})

    def _composed(self) -> Request:
        draw = self.draw
        terms: list[dict[str, Any]] = [{"text": self._some_words()}]
        for _ in range(draw.randint(0, 3)):
            term: dict[str, Any] = draw.choice([{"text": self._word()}, {"product": draw.choice(self.items).sku}])
            terms.append({**term, "weight": draw.choice([-1.5, -0.5, 0.3, 1, 2])})
        if draw.random() < 0.15:
            terms.append({"image": base64.b64encode(draw.choice(self.pictures)).decode()})
        filters = self._filters(draw.choice(self.items)) if draw.random() < 0.4 else {}
        return Request(
            "several parts",
            "POST",
            "/api/v1/search",
            body={"terms": terms, "filters": filters, **self._options(relevant=False)},
        )

    def _picture(self) -> Request:
        return Request(
            "picture",
            "POST",
            "/api/v1/search/image",
            self._options(relevant=False),
            picture=self.draw.choice(self.pictures),
        )

    def _similar(self) -> Request:
        query = self._options(relevant=False)
        if self.draw.random() < 0.5:
            query["q"] = self.draw.choice([self._word(), f"-{self._word()}", "under 60", f"{self._word()} in stock"])
        return Request("likeness", "GET", f"/api/v1/products/{self.draw.choice(self.items).sku}/similar", query)

    def _suggest(self) -> Request:
        typed = self._some_words()
        return Request("suggestions", "GET", "/api/v1/suggest", {"q": typed[: self.draw.randint(1, len(typed))]})

    # -- odd and wrong -----------------------------------------------------------------------------------------

    def _odd(self) -> Request:
        text = "".join(self.draw.choices(ODD_LETTERS, k=self.draw.choice([1, 3, 10, 60, 400])))
        where = self.draw.choice(["q", "q", "brand", "category", "suggest", "similar", "term"])
        if where == "suggest":
            return Request("odd text", "GET", "/api/v1/suggest", {"q": text})
        if where == "similar":
            return Request("odd text", "GET", f"/api/v1/products/{self._sku()}/similar", {"q": text})
        if where == "term":
            return Request("odd text", "POST", "/api/v1/search", body={"terms": [{"text": text}]})
        return Request("odd text", "GET", "/api/v1/search", {where: text})

    def _wrong(self) -> Request:
        draw = self.draw
        query: dict[str, Any] = {"q": self._word()}
        chosen = draw.choice(["parameter", "cursor", "foreign", "sku", "body", "raw", "picture"])
        if chosen == "foreign" and self.cursors:
            return Request("wrong", "GET", "/api/v1/search", {"q": "another", "cursor": draw.choice(self.cursors)})
        if chosen == "cursor" and self.cursors:
            cursor = list(draw.choice(self.cursors))
            cursor[draw.randrange(len(cursor))] = draw.choice(ODD_LETTERS)
            return Request("wrong", "GET", "/api/v1/search", {**query, "cursor": "".join(cursor)})
        if chosen == "sku":
            return Request("wrong", "GET", f"/api/v1/products/nobody-{draw.random()}/similar")
        if chosen == "body":
            return Request("wrong", "POST", "/api/v1/search", body=draw.choice(WRONG_BODIES))
        if chosen == "raw":
            text = json.dumps({"terms": [{"text": "x"}]}).encode()
            return Request("wrong", "POST", "/api/v1/search", raw=text[: draw.randrange(len(text))])
        if chosen == "picture":
            whole = draw.choice(self.pictures)
            return Request("wrong", "POST", "/api/v1/search/image", picture=whole[: draw.randrange(len(whole) // 2)])
        name, value = draw.choice(WRONG_PARAMETERS)
        return Request("wrong", "GET", "/api/v1/search", {**query, name: value})

    # -- pieces ------------------------------------------------------------------------------------------------

    def _sku(self) -> str:
        return self.draw.choice(self.items).sku

    def _word(self) -> str:
        return self.draw.choice(self.draw.choice(self.items).title.split())

    def _some_words(self) -> str:
        title = self.draw.choice(self.items).title
        words = title.split()
        some = self.draw.choice([title, " ".join(words[-2:]), self._word(), f"{self._word()} {words[-1]}"])
        if self.draw.random() < 0.1:
            at = self.draw.randrange(len(some))
            some = some[:at] + some[at + 1 :] or some
        return some

    def _filters(self, item: Item) -> dict[str, Any]:
        """Some that this product passes."""
        found: dict[str, Any] = {}
        if item.price is not None:
            found |= {"price_max": round(item.price * self.draw.uniform(1, 3), 2)}
            if self.draw.random() < 0.5:
                found["price_min"] = round(item.price * self.draw.uniform(0, 0.9), 2)
        if item.brand is not None:
            found["brand"] = [item.brand]
        if item.category is not None:
            parts = item.category.split("/")
            found["category"] = "/".join(parts[: self.draw.randint(1, len(parts))])
        if item.attributes:
            name, value = self.draw.choice(list(item.attributes.items()))
            if isinstance(value, str):
                found["attribute"] = [f"{name}={value}"]
        found["in_stock"] = True
        return {name: found[name] for name in self.draw.sample(list(found), self.draw.randint(1, min(2, len(found))))}

    def _options(self, mode: bool = False, relevant: bool = True) -> dict[str, Any]:
        draw = self.draw
        found: dict[str, Any] = {}
        if draw.random() < 0.3:
            found["limit"] = draw.choice([1, 2, 7, 50, 100])
        if draw.random() < 0.2:
            found["sort"] = draw.choice(SORTS)
        if draw.random() < 0.2:
            found["facets"] = draw.sample(FACETS, draw.randint(1, 5))
        for name in ("explain", "collapse", *(("relevant",) if relevant else ())):
            if draw.random() < 0.1:
                found[name] = True
        if mode and draw.random() < 0.2:
            found["mode"] = draw.choice(["hybrid", "vector", "text"])
        if mode and draw.random() < 0.1:
            found[draw.choice(["parse", "verbatim"])] = draw.choice([True, False])
        return found


WRONG_PARAMETERS: list[tuple[str, Any]] = [
    *(("limit", value) for value in (0, -1, 101, "many", "1.5", 10**30)),
    *(("price_max", value) for value in (-1, "cheap", "NaN", "Infinity", "1e30", "1.234")),
    *(("sort", value) for value in ("", "best", "PRICE_ASC")),
    *(("currency", value) for value in ("usd", "DOLLAR", "$")),
    *(("attribute", value) for value in ("", "x", "=x", "x=", ["a=1", "b=1", "c=1", "d=1", "e=1", "f=1"])),
    ("colour", "red"),
    ("facets", "size"),
    ("mode", "best"),
    ("explain", "perhaps"),
    ("brand", "x" * 501),
    ("brand", ["x"] * 51),
    ("category", "\0"),
    ("q", "x" * 1001),
    ("cursor", "nonsense"),
]
WRONG_BODIES: list[Any] = [
    None,
    [],
    {},
    {"terms": []},
    {"terms": [{}]},
    {"terms": [None]},
    {"terms": [{"text": "x", "product": "y"}]},
    {"terms": [{"text": ""}]},
    {"terms": [{"text": "x", "weight": 0}]},
    {"terms": [{"text": "x", "weight": -1}]},
    {"terms": [{"text": "x", "weight": 1e400}]},
    {"terms": [{"text": "x"}] * 9},
    {"terms": [{"image": "%"}]},
    {"terms": [{"image": "aGFsbG8="}]},
    {"terms": [{"product": "nobody"}]},
    {"terms": [{"text": "x"}], "filters": []},
    {"terms": [{"text": "x"}], "filters": {"brand": "x"}},
    {"terms": [{"text": "x"}], "colour": "red"},
    {"terms": [{"text": "x"}], "limit": {}},
]
