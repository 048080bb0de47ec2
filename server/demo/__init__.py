"""A catalogue of products drawn by code: the demo shop, and material to train and judge models with."""

from __future__ import annotations

from server.demo.catalogue import DEMO_SEED, KINDS, DrawnProduct, Truth, details_of, draw_catalogue
from server.demo.contact_sheet import contact_sheet
from server.demo.palette import COLOURS
from server.demo.patterns import PATTERNS

__all__ = [
    "COLOURS",
    "DEMO_SEED",
    "KINDS",
    "PATTERNS",
    "DrawnProduct",
    "Truth",
    "contact_sheet",
    "details_of",
    "draw_catalogue",
]
