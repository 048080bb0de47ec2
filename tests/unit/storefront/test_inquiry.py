"""Words beside a product."""

import pytest

from server.storefront.inquiry import with_minus


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("blue", "blue"),
        ("without laces", "-laces"),
        ("blue, without the laces", "blue, -laces"),
        ("Blue without laces or stripes", "Blue -laces -stripes"),
        ("not red", "-red"),
        ("with no buttons and blue", "-buttons and blue"),
        ("-red and white", "-red and white"),
        ("no 5", "no 5"),
        ("a nothing-box", "a nothing-box"),
        ("without", "without"),
    ],
)
def test_what_is_not_wanted_gets_a_minus(typed: str, read: str) -> None:
    assert with_minus(typed) == read
