"""Vocabularies without a database: that of the drawn catalogue, and small ones that a test writes by hand."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import combinations
from typing import Any

from server.demo import DEMO_SEED, draw_catalogue
from server.search.words.splitting import words_of
from server.search.words.vocabulary import Rows, Vocabulary

Titles = Mapping[str, int]


def vocabulary_of(titles: Titles, **more: Any) -> Vocabulary:
    """The vocabulary of products with these titles, so many of each; see rows_of."""
    return Vocabulary(rows_of(titles, **more))


def rows_of(
    titles: Titles, *, named: Iterable[tuple[str, str, int]] = (), told: Titles | None = None, live: int | None = None
) -> Rows:
    """What a refresh would compute.

    named: brands, categories and titles (kind, phrase, products). told: words of descriptions alone. live: how many
    products there are, where that is not the sum.
    """
    words: Counter[str] = Counter()
    phrases: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for title, products in titles.items():
        parts = words_of(title)
        words.update(dict.fromkeys(parts, products))
        pairs.update(dict.fromkeys(combinations(sorted(set(parts)), 2), products))
        phrases.update({" ".join(parts[-size:]): products for size in (2, 3) if len(parts) >= size})
    return Rows(
        version=1,
        live=sum(titles.values()) if live is None else live,
        words=[
            *((word, products, products) for word, products in words.items()),
            *((word, products, 0) for word, products in (told or {}).items()),
        ],
        named=[*(("phrase", phrase, products) for phrase, products in phrases.items()), *named],
        pairs=[(one, two, products) for (one, two), products in pairs.items()],
    )


@cache
def demo_rows() -> Rows:
    """Of the demo shop, without its descriptions."""
    return rows_of(Counter(product.title for product in draw_catalogue(2_000, DEMO_SEED)))


@cache
def demo_vocabulary() -> Vocabulary:
    """That of the demo shop, without its descriptions."""
    return Vocabulary(demo_rows())
