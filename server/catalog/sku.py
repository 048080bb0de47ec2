r"""The rule for a SKU: 1 to 100 characters, ASCII letters, digits, space and ``. _ ~ : + # @ & = , ( ) - /``.

It starts with a letter, a digit or an underscore and does not end with a space; the same holds for each part between
slashes, so a SKU can stand in a URL's path: no empty part, no `.` or `..` that a browser would fold away. Its last
part is not `similar`, which is a page below every product. Case counts.
"""

import re

MAX_LENGTH = 100
_PART = r"[A-Za-z0-9_]([A-Za-z0-9 ._~:+#@&=,()-]*[A-Za-z0-9._~:+#@&=,()-])?"
# Keep in step with migrations/versions/0001_products.py.
PATTERN = f"^{_PART}(/{_PART})*$"
_COMPILED = re.compile(PATTERN)

SENTENCE = (
    "A SKU has 1 to 100 characters: ASCII letters, digits, spaces and ._~:+#@&=,()-/, starting with a letter, digit or "
    "underscore (after each slash too)."
)


def is_valid(sku: str) -> bool:
    """Whether `sku` follows the rule."""
    return len(sku) <= MAX_LENGTH and _COMPILED.fullmatch(sku) is not None and not sku.endswith("/similar")
