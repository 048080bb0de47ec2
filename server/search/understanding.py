"""From what was typed to what is searched for: the catalogue's own names, corrected words, and their synonyms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from server.search.facts import CatalogueFacts
from server.search.query import Filters, Mode, Query
from server.search.text_query import Alternatives
from server.search.typed import Typed, parse_typed, says_something, unparsed
from server.search.words.splitting import words_of
from server.search.words.synonyms import Synonyms
from server.search.words.vocabulary import Vocabulary


@dataclass(frozen=True)
class Correction:
    """A word that the catalogue does not have, and the one that was taken for it."""

    typed: str
    corrected: str


@dataclass(frozen=True)
class Understanding:
    """What a typed text means.

    words: the positive ones, as corrected, to be embedded. alternatives: the same for the full-text index. whole: the
    text where it may be a SKU or a title. brand: where the words are nothing but a brand.
    """

    typed: Typed
    filters: Filters
    words: str
    alternatives: tuple[Alternatives, ...] = ()
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    excluded_phrases: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = field(default=())
    whole: str = ""
    brand: str | None = None

    @property
    def has_conditions(self) -> bool:
        """Whether words must or must not stand in a product, whatever ranks."""
        return bool(self.phrases or self.excluded or self.excluded_phrases)


def understand(
    text: str, query: Query, facts: CatalogueFacts, vocabulary: Vocabulary, synonyms: Synonyms
) -> Understanding:
    """Never fails: what is not understood is words."""
    typed = parse_typed(text) if query.parse else unparsed(text)
    positive = [term for term in typed.terms if not term.negative]
    words = [word for term in positive for word in words_of(term.text)]
    corrected = [None if query.verbatim else vocabulary.correct(word, words) for word in words]
    corrections = tuple(Correction(word, new) for word, new in zip(words, corrected, strict=True) if new)
    names = [new or word for word, new in zip(words, corrected, strict=True)]
    # Punctuation alone says nothing: two quotes with nothing between them browse.
    embedded = typed.words if any(says_something(letter) for letter in typed.words) else ""
    for correction in corrections:
        embedded = _replaced(embedded, correction)
    brand = facts.brands_named(embedded) if embedded and query.mode is not Mode.VECTOR else ()
    known = {name for name, _ in facts.brands()} if brand else set()
    return Understanding(
        typed=typed,
        filters=_merged(query.filters, typed, facts),
        words=embedded,
        alternatives=tuple(_alternatives(names, vocabulary, synonyms)),
        phrases=tuple(term.text for term in positive if term.phrase),
        excluded=tuple(term.text for term in typed.terms if term.negative and not term.phrase),
        excluded_phrases=tuple(term.text for term in typed.terms if term.negative and term.phrase),
        corrections=corrections,
        whole=text.strip(),
        brand=next((name for name in brand if name in known), None),
    )


def _replaced(text: str, correction: Correction) -> str:
    """The text with the word changed where it stands, whatever the case."""
    parts = text.split(" ")
    return " ".join(
        part.casefold().replace(correction.typed.casefold(), correction.corrected)
        if correction.typed.casefold() in part.casefold()
        else part
        for part in parts
    )


def _alternatives(names: Sequence[str], vocabulary: Vocabulary, synonyms: Synonyms) -> list[Alternatives]:
    """A group for each word; one for several words that have a synonym together."""
    spans = {each.start: each for each in synonyms.expand(names)}
    found, at = [], 0
    while at < len(names):
        span = spans.get(at)
        end = at + 1 if span is None else span.end
        words = " ".join(names[at:end])
        known = [vocabulary.products(name) for name in names[at:end]]
        others = () if span is None else span.replacements
        if len(vocabulary) and not min(known) and not others:
            # A word that no product has tells nothing about any: the vector alone may know it.
            at = end
            continue
        found.append(Alternatives((words, *others), min(known) if len(vocabulary) else None))
        at = end
    return found


def _merged(filters: Filters, typed: Typed, facts: CatalogueFacts) -> Filters:
    """The filters that were chosen and those that were typed, both at once."""
    lowest = _tighter(max, filters.price_min, typed.price_min)
    highest = _tighter(min, filters.price_max, typed.price_max)
    if lowest is not None and highest is not None and lowest > highest:
        lowest, highest = typed.price_min, typed.price_max
    filters = as_the_catalogue_writes(filters, facts)
    brands = filters.brands + tuple(name for typed_name in typed.brands for name in facts.brands_named(typed_name))
    category = filters.category
    if typed.category is not None:
        named = facts.category_named(typed.category)
        # Of a category and one below it, the narrower holds.
        category = category if category is not None and category.startswith(named + "/") else named
    return replace(
        filters,
        price_min=lowest,
        price_max=highest,
        currency=filters.currency or typed.currency,
        brands=tuple(dict.fromkeys(brands)),
        category=category,
        in_stock=filters.in_stock or typed.in_stock,
    )


def as_the_catalogue_writes(filters: Filters, facts: CatalogueFacts) -> Filters:
    """The same filters with brands and category in the catalogue's own spelling, where only capitals differ."""
    if not filters.brands and filters.category is None:
        return filters
    brands = dict.fromkeys(meant for name in filters.brands for meant in facts.brands_meant(name))
    category = None if filters.category is None else facts.category_meant(filters.category)
    return replace(filters, brands=tuple(brands), category=category)


def _tighter(choose: Callable[[list[Decimal]], Decimal], one: Decimal | None, other: Decimal | None) -> Decimal | None:
    given = [bound for bound in (one, other) if bound is not None]
    return choose(given) if given else None
