"""Takes a typed text apart, word by word: at each word, what can read it first has it."""

import re
import unicodedata

from server.search.typed.letters import END, plain, tidy
from server.search.typed.parts import Kind, Piece, Term
from server.search.typed.prices import read_price
from server.search.typed.vocabulary import COMPOUNDS

LIGHTEST, HEAVIEST = 0.1, 5.0
LONGEST_VALUE = 300  # of a brand or a category, as the API takes it
# No rule looks farther back than this.
WORDS_REMEMBERED = 8

_WEIGHT = r"(?:\^(?P<weight>[0-9]+(?:[.,][0-9]+)?|\.[0-9]+))?"
# STRAY_QUOTE is in nothing that is understood but a phrase, as a quote that belongs to no phrase is.
STRAY_QUOTE = "`"
# A word ends at a blank, or behind a comma: "blue shirt,under 50".
_WORD = re.compile(r"[^ ]+?(?:,(?=[^0-9 ,])|(?= |\Z))")
_WEIGHTED = re.compile(rf'(?P<base>[^ ^"`]+){_WEIGHT}{END}')
_PHRASE = re.compile(rf'(?P<minus>-)?"(?P<phrase>[^"]*)"{_WEIGHT}{END}')
_FACETS = ("brand:", "category:")
_FACET = re.compile(
    r"(?P<minus>-)?(?P<name>brand|category):"
    rf'(?: *"(?P<phrase>[^"]*)"|(?P<word>[^ ",^`]+)| +(?P<next>[^\W_][^ ":,^`]*)){END}'
)
_STOCK = re.compile(rf"[(,]*(?:(?:and|but) +)?(?:only +)?(?:in +stock|in-stock|instock)(?: +(?:only|now))?{END}")
_DENIED = frozenset({"not", "isn't", "isnt", "aren't", "arent", "never"})
# "sleeping bag -20 °C", "jacket -50%": numbers below zero.
_NEGATIVE_NUMBER = re.compile(r"-[0-9][0-9.,]*(?:°?[cf]?|%)[,;.!?)]*")


def scan(text: str) -> list[Piece]:
    """The pieces of a text in their order, plain words included. Between them are only blanks."""
    letters = plain(text)
    pieces: list[Piece] = []
    before: list[str] = []  # the plain words right before, not parted by a comma or by anything understood
    words_until = 0  # up to here no price is to be found
    at = _next_word(letters, 0)
    while at < len(letters):
        piece = (
            _read_signed(text, letters, at, before)
            or _read_facet(text, letters, at)
            or _read_stock(letters, at, before)
        )
        if piece is None and at >= words_until and (reading := read_price(letters, at, before)):
            words_until = reading.end
            if reading.bounds is not None:
                piece = Piece(at, reading.end, Kind.PRICE, reading.label, bounds=reading.bounds)
        piece = piece or _read_word(text, letters, at)
        pieces.append(piece)
        word = letters[at : piece.end]
        before = [] if piece.kind or word[-1] in ",;" else [*before, word.strip("'():.!?#")][-WORDS_REMEMBERED:]
        at = _next_word(letters, piece.end)
    return pieces


def _next_word(letters: str, at: int) -> int:
    while at < len(letters) and letters[at] == " ":
        at += 1
    return at


def _read_signed(text: str, letters: str, at: int, before: list[str]) -> Piece | None:
    """A phrase in quotes, or what a minus leaves out."""
    if letters[at] not in '-"':
        return None
    if phrase := _PHRASE.match(letters, at):
        words = tidy(text[phrase.start("phrase") : phrase.end("phrase")])
        is_said = any(map(str.isalnum, words))
        term = Term(words, _weight(phrase), phrase=True, negative=phrase["minus"] is not None)
        return _piece(at, phrase.end(), term) if is_said else None
    word = _WORD.match(letters, at)
    if word is None or letters[at] != "-" or _NEGATIVE_NUMBER.fullmatch(word.group()) or _FACET.match(letters, at):
        return None
    left_out = _WEIGHTED.fullmatch(letters, at + 1, word.end())
    if left_out is None or not says_something(letters[at + 1]):
        return None
    name = text[at + 1 : left_out.end("base")].rstrip(",;.!?)")
    if plain(name).startswith(_FACETS) or (before and (before[-1], plain(name)) in COMPOUNDS):
        return None
    return _piece(at, word.end(), Term(name, _weight(left_out), negative=True))


def says_something(letter: str) -> bool:
    """Whether it is part of a word: letters, digits and pictures. "-->" and "-)" are drawings."""
    return letter.isalnum() or unicodedata.category(letter) == "So"


def _read_facet(text: str, letters: str, at: int) -> Piece | None:
    """brand:acme, category:"Apparel/Topwear"; with a minus, words that are left out."""
    facet = _FACET.match(letters, at)
    if facet is None:
        return None
    group = facet.lastgroup or "word"
    start, end = facet.span(group)
    if group == "next" and _is_filter(letters, start):
        return None
    value = tidy(text[start:end])
    if group != "phrase":
        value = value.rstrip(";!?)")
    is_category = facet["name"] == "category"
    if is_category:
        value = "/".join(part for part in map(tidy, re.split("[/>]", value)) if part)
    if len(value) > LONGEST_VALUE or not any(map(str.isalnum, value)):
        return None
    if facet["minus"]:
        value = value.split("/")[-1] if is_category else value
        return _piece(at, facet.end(), Term(value, phrase=" " in value, negative=True))
    kind = Kind.CATEGORY if is_category else Kind.BRAND
    return Piece(at, facet.end(), kind, f"{kind} {value}", value=value)


def _is_filter(letters: str, at: int) -> bool:
    """Whether a price or the stock begins where a brand might: "brand: under 50"."""
    price = read_price(letters, at, [])
    return _read_stock(letters, at, []) is not None or (price is not None and price.bounds is not None)


def _read_stock(letters: str, at: int, before: list[str]) -> Piece | None:
    stock = _STOCK.match(letters, at)
    if stock is None or (before and before[-1] in _DENIED):
        return None
    return Piece(at, stock.end(), Kind.STOCK, "in stock")


def _read_word(text: str, letters: str, at: int) -> Piece:
    """A plain word, or one with a weight."""
    word = _WORD.match(letters, at)
    end = word.end() if word else len(letters)
    weighted = _WEIGHTED.fullmatch(letters, at, end)
    if weighted and weighted["weight"] and not letters.startswith(("-", *_FACETS), at):
        base = text[at : weighted.end("base")]
        if any(map(str.isalnum, base)):
            return _piece(at, end, Term(base, _weight(weighted)))
    return Piece(at, end, term=Term(text[at:end]))


def _weight(match: re.Match[str]) -> float:
    told = match["weight"]
    return 1.0 if told is None else min(max(float(told.replace(",", ".")), LIGHTEST), HEAVIEST)


def _piece(start: int, end: int, term: Term) -> Piece:
    """A term that is more than a plain word."""
    times = f" ×{term.weight:g}" if term.weight != 1 else ""
    words = f"“{term.text}”" if term.phrase else term.text
    if term.negative:
        return Piece(start, end, Kind.EXCLUDE, f"without {words}{times}", term)
    if term.phrase:
        return Piece(start, end, Kind.PHRASE, f"exactly {words}{times}", term)
    return Piece(start, end, Kind.WEIGHT, f"{words} ×{term.weight:g}", term)
