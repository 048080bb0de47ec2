"""Search as the web pages, the API and the command line call it: words, a picture or products in, a page out."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import psycopg
from PIL import Image

from server.db.engine import Database
from server.embedding.current import ActiveModel, CurrentEncoder, Loaded
from server.embedding.encoder import Encoder, Vector
from server.errors import ModelError, NotFound
from server.search import compose, pages
from server.search.basis import Basis, load_basis
from server.search.candidates import Ranker, is_answered, walk_of_everything
from server.search.compose import Kind, Part
from server.search.cursor import CursorCodec, Place
from server.search.facts import CatalogueFacts
from server.search.hits import Hit
from server.search.merchandising.applying import of_search
from server.search.merchandising.rules import NONE, Merchandised, RuleBook
from server.search.pages import ResultPage, Timing
from server.search.plan import Costs, walks_for
from server.search.query import Facet, Filters, Mode, Query, Sort
from server.search.result_set import Asked
from server.search.statements import SQL
from server.search.text_query import TextQuery, build_text_query
from server.search.transaction import Begun, ModelMoved, Wanted, begin
from server.search.understanding import Understanding, as_the_catalogue_writes, understand
from server.search.words.cache import VocabularyCache
from server.search.words.model_words import ModelWords

# A change of the model makes a search begin again. That it happens twice to one search is a wonder.
MOST_MOVES = 5
_MOVING = "The model of this shop is being changed again and again. Try again in a moment."


@dataclass(frozen=True)
class Term:
    """A part of a composed query: exactly one of words, a picture and a product's SKU, and how much it counts."""

    text: str | None = None
    image: Callable[[Encoder], Image.Image] | None = None
    product: str | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class _Request:
    """One way to ask, made uniform. embed: the query's vector by a model, None where nothing is to be ranked by it.

    fingerprint: of the search; None: what is asked is the vector. asked: the query as it came, before the catalogue's
    own names and currency were put in.
    """

    query: Query
    embed: Callable[[Loaded], tuple[Vector, bool]] | None
    fingerprint: str | None
    understanding: Understanding | None = None
    costs: Costs = field(default_factory=Costs)
    asked: Query | None = None
    merchandised: Merchandised = NONE


class SearchService:
    """Finds products by words, by picture or by likeness, under filters. Thread-safe."""

    def __init__(
        self, database: Database, encoder: Encoder | CurrentEncoder, secret_key: str, currency: str | None
    ) -> None:
        """`currency` is the shop's where somebody chose it; None: that of most products."""
        self._database = database
        self._current = CurrentEncoder.of(encoder)
        self._cursors = CursorCodec(secret_key)
        self.facts = CatalogueFacts(database, currency)
        self.words = VocabularyCache(database, ModelWords(self._current))
        self.rules = RuleBook(database)
        # Told of every page that was found; for those who count.
        self.watch: Callable[[ResultPage, Query], None] | None = None
        self._bases: dict[int, Basis | None] = {}
        # Whether a page of everything comes from one walk, and whether that may be sent along (see `_begin`).
        self._walks_all = False
        self._may_go_ahead = True

    # -- the ways to ask ---------------------------------------------------------------------------------------

    def by_text(self, text: str, query: Query) -> ResultPage:
        """Products that look like `text` or say so. Text without words browses, under the filters that it names."""
        # Postgres has no NUL in a text.
        text = text.replace("\0", " ")
        told = understand(text, query, self.facts, self.words.vocabulary(), self.words.synonyms())
        fingerprint = query.fingerprint(f"text:{text}")
        place = None if query.cursor is None else self._cursors.decode(query.cursor, fingerprint)
        words = told.words if place is None else place.embedded
        embed = None
        if words and query.mode is not Mode.TEXT:
            texts = compose.texts_of(told.typed, words)

            def embed(loaded: Loaded) -> tuple[Vector, bool]:
                found = [loaded.embed_query(part.words) for part in texts]
                parts = [Part(vector, Kind.TEXT, part.weight) for part, (vector, _) in zip(texts, found, strict=True)]
                calibration = loaded.encoder.manifest.calibration
                return compose.compose(parts, calibration), all(cached for _, cached in found)

        # Asked before the search has a connection: the pool may have one only.
        merchandised = of_search(self.rules, query, told)
        return self._run(_Request(query, embed, fingerprint, told, merchandised=merchandised))

    def by_image(self, image: Image.Image | Callable[[Encoder], Image.Image], query: Query) -> ResultPage:
        """Products that look like an RGB picture, or like what makes one for the tower that the encoder has."""

        def embed(loaded: Loaded) -> tuple[Vector, bool]:
            made = image if isinstance(image, Image.Image) else image(loaded.encoder)
            return loaded.encoder.embed_image(made), False

        return self._run(_Request(query, embed, None))

    def similar(self, sku: str, query: Query) -> ResultPage:
        """Products that look like this one, without it. Raises NotFound.

        Its vector is the database's own, so this needs no model of this machine.
        """
        query = replace(query, filters=replace(query.filters, not_skus=(*query.filters.not_skus, sku)))
        request = _Request(query, None, None)
        request = self._in_the_shops_terms(request)
        for _ in range(MOST_MOVES):
            timing = Timing.begin().embedded(cached=True)
            vectors, active = self._product_vectors([sku])
            try:
                with self._database.turns() as connection:
                    digest = None if active is None else active.digest
                    return self._page(connection, request, vectors[sku], digest, timing)
            except ModelMoved:
                continue
        raise ModelError(_MOVING)

    def composed(self, terms: Sequence[Term], query: Query) -> ResultPage:
        """Products near to some parts and far from others; products that are named are left out.

        Raises NotFound for a product that is not in the shop, InvalidInput where no part has a positive weight.
        """
        return self._composed(terms, query, None)

    def like_but(self, sku: str, text: str, query: Query) -> ResultPage:
        """Products like this one that are also what `text` says: "blue", "under 50", "-laces". Raises NotFound.

        The look of both ranks; words are not looked for in products' texts. What must or must not stand there, quoted
        or with a minus, is a condition as in `by_text`, and so are the filters that are named.
        """
        text = text.replace("\0", " ")
        told = understand(text, query, self.facts, self.words.vocabulary(), self.words.synonyms())
        texts = compose.texts_beside_a_product(told.typed, told.words, self._kind(sku, told))
        terms = [Term(product=sku), *(Term(text=part.words, weight=part.weight) for part in texts)]
        return self._composed(terms, query, replace(told, alternatives=(), whole=""))

    def _composed(self, terms: Sequence[Term], query: Query, told: Understanding | None) -> ResultPage:
        skus = [term.product for term in terms if term.product is not None]
        left_out = tuple(dict.fromkeys((*query.filters.not_skus, *skus)))
        query = replace(query, filters=replace(query.filters, not_skus=left_out))
        if told is not None:
            told = replace(told, filters=replace(told.filters, not_skus=left_out))

        def embed(loaded: Loaded) -> tuple[Vector, bool]:
            products, active = self._product_vectors(skus)
            if active is not None and active.digest != loaded.digest:
                raise ModelMoved(active)
            parts = [self._part(term, products, loaded) for term in terms]
            return compose.compose(parts, loaded.encoder.manifest.calibration), False

        return self._run(_Request(query, embed, None, told))

    def _kind(self, sku: str, told: Understanding) -> str | None:
        """The last part of a product's category; None where another kind is asked for."""
        with self._database.connection() as connection:
            row = connection.execute(SQL["kind"], {"sku": sku}, prepare=True).fetchone()
        category = None if row is None else row[0]
        if category is None or self.facts.names_another_kind(told.words, told.filters.category, category):
            return None
        return str(category).rpartition("/")[2]

    def _part(self, term: Term, products: dict[str, Vector], loaded: Loaded) -> Part:
        if term.product is not None:
            return Part(products[term.product], Kind.IMAGE, term.weight)
        if term.image is not None:
            return Part(loaded.encoder.embed_image(term.image(loaded.encoder)), Kind.IMAGE, term.weight)
        return Part(loaded.embed_query(term.text or "").vector, Kind.TEXT, term.weight)

    def _product_vectors(self, skus: Sequence[str]) -> tuple[dict[str, Vector], ActiveModel | None]:
        """The products' vectors, and the model that made them. Raises NotFound."""
        if not skus:
            return {}, None
        with self._database.connection() as connection:
            rows = connection.execute(SQL["product_vector"], {"skus": list(skus)}).fetchall()
        found = {row[0]: np.asarray(row[1].to_numpy(), dtype=np.float32) for row in rows}
        for sku in skus:
            if sku not in found:
                raise NotFound(f"There is no product {sku} in the shop.")
        return found, ActiveModel(*rows[0][2:])

    # -- the page ----------------------------------------------------------------------------------------------

    def _run(self, request: _Request) -> ResultPage:
        """A page by the catalogue's model. Where it is not the one that made the vector, all is done again with it."""
        request = self._in_the_shops_terms(request)
        if request.embed is None:
            with self._database.turns() as connection:
                return self._page(connection, request, None, None, Timing.begin())
        loaded = self._current.get()
        for _ in range(MOST_MOVES):
            timing = Timing.begin()
            try:
                vector, cached = request.embed(loaded)
                timing = timing.embedded(cached)
                with self._database.turns() as connection:
                    return self._page(connection, request, vector, loaded.digest, timing)
            except ModelMoved as moved:
                loaded = self._current.follow(moved.active)
        raise ModelError(_MOVING)

    def _page(
        self,
        connection: psycopg.Connection,
        request: _Request,
        vector: Vector | None,
        model: str | None,
        timing: Timing,
    ) -> ResultPage:
        query, told, costs = request.query, request.understanding, request.costs
        said = "" if told is None else f":{told.typed.text}"
        fingerprint = request.fingerprint or (request.asked or query).fingerprint(f"vector:{_digest(vector)}{said}")
        wanted = Wanted(query.filters, vector, model)
        has_words = told is not None and (query.mode is not Mode.VECTOR or told.has_conditions)
        is_quick = query.cursor is None and not has_words and pages.is_beginning_enough(query, wanted)
        begun = self._begin(connection, wanted, pages.beginning_limit(query) if is_quick else None)
        if begun.coming is not None:
            self._current.expect(begun.coming)
        place = None if query.cursor is None else self._cursors.decode(query.cursor, fingerprint, model)
        ranker = Ranker(begun, self._basis(connection, begun.basis_key), costs)
        text = self._text(connection, told, query, ranker) if place is None else place.text
        brand, words = (None, "") if told is None else (told.brand, told.words)
        merchandised = request.merchandised
        # A look alone is near to no name, and filters alone are none.
        whole = told.whole if told is not None and words and query.mode is not Mode.VECTOR else ""
        asked = Asked(replace(wanted, match=text.must, exact=text.exact), text, whole, brand, merchandised.applied)
        here = Place(fingerprint, [], 0, model, words, text, pages.NOTHING)
        page = pages.make_page(ranker, query, asked, place or here, is_first=place is None, encode=self._cursors.encode)
        page = replace(
            page,
            timing=timing.done(),
            model=None if vector is None else begun.active,
            understanding=told,
            redirect=merchandised.redirect,
        )
        if self.watch is not None:
            self.watch(page, query)
        return page

    def _begin(self, connection: psycopg.Connection, wanted: Wanted, quick_limit: int | None) -> Begun:
        """The search's transaction. quick_limit: of a page that needs no more than so many of the nearest.

        In a large catalogue a page of all products comes from one walk of the index: then that walk is sent along, and
        if it does not do after all, the search begins once more.
        """
        if quick_limit is None or wanted.narrows:
            return begin(connection, wanted)
        walk = walks_for(quick_limit, 1.0)[0]
        if self._walks_all:
            begun = begin(connection, wanted, walk, walk_of_everything(wanted, quick_limit))
            self._may_go_ahead = begun.ahead is not None
            if self._may_go_ahead and is_answered(begun, quick_limit):
                return begun
        begun = begin(connection, wanted, walk)
        self._walks_all = self._may_go_ahead and is_answered(begun, quick_limit)
        return begun

    def _text(
        self, connection: psycopg.Connection, told: Understanding | None, query: Query, ranker: Ranker
    ) -> TextQuery:
        if told is None:
            return TextQuery()
        groups = () if query.mode is Mode.VECTOR else told.alternatives
        products = 0 if ranker.basis is None else ranker.basis.products
        return build_text_query(connection, groups, told.phrases, told.excluded, told.excluded_phrases, products)

    def _basis(self, connection: psycopg.Connection, key: int | None) -> Basis | None:
        if key is None:
            return None
        if key not in self._bases:
            # Of another model or older axes there is nothing to keep.
            self._bases = {key: load_basis(connection, key)}
        return self._bases[key]

    def _in_the_shops_terms(self, request: _Request) -> _Request:
        query, told = request.query, request.understanding
        currency = self.facts.currency()
        filters = as_the_catalogue_writes(query.filters, self.facts) if told is None else told.filters
        if filters.has_price:
            filters = replace(filters, currency=filters.currency or currency)
        elif told is not None and not told.filters.has_price:
            filters = replace(filters, currency=query.filters.currency)
        ours = replace(query, shop_currency=currency, filters=filters)
        return replace(request, query=ours, costs=self.facts.costs(), asked=query)

    def check_model(self) -> ActiveModel | None:
        """The catalogue's model, which this process then uses; None where nothing is embedded yet.

        Raises OtherModel where it is not installed here.
        """
        with self._database.connection() as connection:
            row = connection.execute(SQL["model"]).fetchone()
        if row is None:
            return None
        active = ActiveModel(*row)
        self._current.follow(active)
        return active


def _digest(vector: Vector | None) -> str:
    return "" if vector is None else hashlib.sha256(vector.tobytes()).hexdigest()


__all__ = ["Facet", "Filters", "Hit", "Mode", "Query", "ResultPage", "SearchService", "Sort", "Term"]
