"""What holds for any text at all that somebody types."""

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from server.search.typed import Kind, Typed, parse_typed, unparsed
from server.search.typed.letters import plain, tidy
from server.search.typed.scan import scan

LARGEST = Decimal("9999999999.99")


def _labels(typed: Typed) -> list[str]:
    return [part.label for part in typed.understood]


_PIECES = """
under below over above max min from between up to at least most less more than and or for not in stock
size age women girls air pro cm inch t shirt v-neck red blue price budget dollars rs usd k x by only now
50 80 40-42 50-80 5 1,299.99 1.299 007 $50 €80 50€ 2k 0 $100+ 2024-2025 000
<3 < > <= = - -- — – ~ + & ( ) , ; . ! ?
" “ ” „ « » ` ^ ^2 red^2 red^x -red -"red -"a "a b" "a" brand: brand:acme -brand:acme category: category:a/b
"""
PIECES = [
    *_PIECES.split(),
    *("in stock", "under 50", "between 50 and 80", "or less", '"polka dots"', '-"polka dots"^2', 'brand:"Fab India"'),
    *("\0", "\ud800", "\u200f", "\u00a0", "e\u0301", "衬衫", "👗", "İ", "ß", "ﬁ", "٥٠"),
]
TYPED_BY_SHOPPERS = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from([" ", " ", " ", "  ", ", ", ",", "", "\N{NO-BREAK SPACE}"])),
    max_size=12,
).map(lambda pieces: "".join(part for piece in pieces for part in piece))
ANYTHING = st.one_of(TYPED_BY_SHOPPERS, st.text(max_size=60), st.text(st.characters(), max_size=60))


@given(ANYTHING)
@example("x " * 500)
@example('"' * 1000)
@example('"a ' * 333)
@example("brand: " * 143)
@example("under " * 166)
@example("50-" * 333)
@example("1 000" * 200)
@example("^2" * 500)
@example("(" * 1000)
def test_parts_lie_in_the_text_one_behind_the_other(text: str) -> None:
    typed = parse_typed(text)
    assert typed.text == text
    end = 0
    for part in typed.understood:
        assert end <= part.start < part.end <= len(text)
        assert " " not in (plain(text)[part.start], plain(text)[part.end - 1])
        assert part.label
        end = part.end


@given(ANYTHING)
def test_no_word_is_lost(text: str) -> None:
    typed, at, left = parse_typed(text), 0, ""
    for part in typed.understood:
        left, at = left + text[at : part.start], part.end
    words = [piece.term.text for piece in scan(text) if piece.kind is None and piece.term]
    assert tidy(left + text[at:]).replace(" ", "") == "".join(words)


@given(ANYTHING)
def test_every_amount_is_one_that_a_filter_takes(text: str) -> None:
    typed = parse_typed(text)
    bounds = [bound for bound in (typed.price_min, typed.price_max) if bound is not None]
    assert bounds == sorted(bounds)
    for bound in bounds:
        assert 0 <= bound <= LARGEST
        assert bound == round(bound, 2)
    assert all(0.1 <= term.weight <= 5 for term in typed.terms)


@given(ANYTHING)
def test_what_is_understood_can_be_stored_and_sent(text: str) -> None:
    typed = parse_typed(text)
    told = [term.text for term in typed.terms] + [*typed.brands, typed.category or "", *_labels(typed), typed.words]
    assert all(tidy(each) == each for each in told)
    assert all(term.text for term in typed.terms)
    "".join(told).encode()


@given(ANYTHING)
@example('"a -x b"')
@example('-"a -x "b"')
@example('brand:"a "p q" b"')
@example("not -x in stock")
@example("for -x under 50")
@example("under 50 -x dollars")
@example("in stock -x only")
@example("category: under 50^2")
@example("under 2k min $50")
@example("under 50 to 60 to 80")
@example("under 50 -5x")
@example("under 50 100^2")
@example("under 50 dollars^2")
@example("from $50 to 80^2")
@example("$20 max 5^2")
@example('under 50 000 "a" dollars')
@example('50-80,),"a"')
def test_without_a_part_the_others_stay(text: str) -> None:
    typed = parse_typed(text)
    for place, part in enumerate(typed.understood):
        rest = parse_typed(typed.without(part))
        others = [*typed.understood[:place], *typed.understood[place + 1 :]]
        assert [(each.kind, each.label) for each in rest.understood] == [(each.kind, each.label) for each in others]
        gone = len(typed.terms) - len(rest.terms)
        # Without its weight a word stays, unless it would mean something else then.
        assert gone in ((0, 1) if part.kind is Kind.WEIGHT else (part.kind in (Kind.EXCLUDE, Kind.PHRASE),))


@given(ANYTHING)
def test_without_all_parts_the_plain_words_are_left(text: str) -> None:
    typed = parse_typed(text)
    while typed.understood:
        typed = parse_typed(typed.without(typed.understood[0]))
    assert typed.words.replace(" ", "") == unparsed(typed.text).words.replace(" ", "")


@given(ANYTHING)
def test_blanks_and_capitals_change_nothing(text: str) -> None:
    typed = parse_typed(text)
    tidied = parse_typed(tidy(text))
    assert (tidied.terms, _labels(tidied), tidied.price_min) == (typed.terms, _labels(typed), typed.price_min)
    shouted = parse_typed(text.upper())
    if len(text.upper()) == len(text):
        assert [(part.kind, part.start, part.end) for part in shouted.understood] == [
            (part.kind, part.start, part.end) for part in typed.understood
        ]


@given(ANYTHING)
def test_unparsed_text_is_words_alone(text: str) -> None:
    typed = unparsed(text)
    assert typed.understood == ()
    assert [term.text for term in typed.terms] == tidy(text).split()
    assert (typed.price_min, typed.price_max, typed.brands, typed.category, typed.in_stock) == (
        None,
        None,
        (),
        None,
        False,
    )
