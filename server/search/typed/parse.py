"""From what was typed to words and filters."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from server.search.typed.letters import plain, tidy
from server.search.typed.parts import Bounds, Kind, Piece, Term, Understood
from server.search.typed.scan import STRAY_QUOTE, scan


@dataclass(frozen=True)
class Typed:
    """What was understood of a typed text.

    `currency` is a hint: the code that a sign or a word stands for ("$" is USD here, also in a shop of Canadian
    dollars). `brands` and `category` are as typed; the caller compares them with the catalogue's without case.
    """

    text: str
    terms: tuple[Term, ...] = ()
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    currency: str | None = None
    brands: tuple[str, ...] = ()
    category: str | None = None
    in_stock: bool = False
    understood: tuple[Understood, ...] = ()

    @property
    def words(self) -> str:
        """The words and phrases to look for, in the order typed: what is embedded. Empty where all is filters."""
        return " ".join(term.text for term in self.terms if not term.negative).rstrip(",; ")

    def without(self, part: Understood) -> str:
        """The typed text with one part cut out, so that what is left still means what it meant.

        Where the two sides would make something new together ("under -red 50"), a comma keeps them apart.
        """
        pieces = scan(self.text)
        if part.kind is Kind.WEIGHT and (kept := self._without_weight(part, pieces)) is not None:
            return kept
        wanted = [_meaning(piece) for piece in pieces if (piece.start, piece.end) != (part.start, part.end)]
        cuts = [
            tidy(self.text[: part.start] + " " + self.text[part.end :]),
            _apart(self.text, part),
            _apart(_without_stray_quotes(self.text, pieces), part),
        ]
        return next((cut for cut in cuts if [_meaning(piece) for piece in scan(cut)] == wanted), cuts[-1])

    def _without_weight(self, part: Understood, pieces: list[Piece]) -> str | None:
        """The weight goes, the word stays; None where that cannot be said without saying something else."""
        word = next((piece.term.text for piece in pieces if piece.start == part.start and piece.term), "")
        before, after = self.text[: part.start], self.text[part.end :]
        others = [(one.kind, one.label) for one in self.understood if one is not part]
        words = _plain_words(self)
        parted = ", ".join(stretch for stretch in (tidy(before), word, tidy(after)) if stretch)
        for cut in (tidy(f"{before} {word} {after}"), parted):
            rest = parse_typed(cut)
            if [(one.kind, one.label) for one in rest.understood] == others and _plain_words(rest) == words:
                return cut
        return None


@lru_cache(maxsize=2048)
def parse_typed(text: str) -> Typed:
    """Read what a shopper typed. Never fails; what is not understood is words. Remembered, as shoppers repeat."""
    pieces = scan(text)
    bounds = Bounds()
    for piece in pieces:
        bounds = bounds.narrowed_by(piece.bounds) if piece.bounds else bounds
    categories = [piece.value for piece in pieces if piece.kind is Kind.CATEGORY]
    return Typed(
        text,
        terms=tuple(piece.term for piece in pieces if piece.term is not None),
        price_min=bounds.lowest,
        price_max=bounds.highest,
        currency=bounds.currency,
        brands=tuple(dict.fromkeys(piece.value for piece in pieces if piece.kind is Kind.BRAND)),
        category=categories[-1] if categories else None,
        in_stock=any(piece.kind is Kind.STOCK for piece in pieces),
        understood=tuple(
            Understood(piece.kind, piece.label, piece.start, piece.end) for piece in pieces if piece.kind is not None
        ),
    )


def unparsed(text: str) -> Typed:
    """All of it as plain words."""
    return Typed(text, terms=tuple(Term(word) for word in tidy(text).split(" ") if word))


def _apart(text: str, part: Understood) -> str:
    return f"{tidy(text[: part.start])}, {tidy(text[part.end :])}".strip()


def _plain_words(typed: Typed) -> list[str]:
    return [plain(term.text).rstrip(",") for term in typed.terms]


def _meaning(piece: Piece) -> tuple[object, ...]:
    """What a piece says wherever it stands; of a plain word, what a cut may not change."""
    word = piece.term.text if piece.kind is None and piece.term else ""
    return piece.kind, piece.label, plain(word).replace('"', STRAY_QUOTE).rstrip(",")


def _without_stray_quotes(text: str, pieces: list[Piece]) -> str:
    """Quotes in plain words are replaced, since two of them might make a phrase around a cut. Same length."""
    letters, changed = plain(text), list(text)
    for piece in pieces:
        for place in range(piece.start, piece.end):
            if piece.kind is None and letters[place] == '"':
                changed[place] = STRAY_QUOTE
    return "".join(changed)
