"""What shoppers type into the search box: words, and what they say about price, brand, category and stock.

The grammar is in docs/searching.md. Nothing in here knows the catalogue, and no text is an error: what is not
understood is words.
"""

from server.search.typed.parse import Typed, parse_typed, unparsed
from server.search.typed.parts import Kind, Term, Understood
from server.search.typed.scan import says_something

__all__ = ["Kind", "Term", "Typed", "Understood", "parse_typed", "says_something", "unparsed"]
