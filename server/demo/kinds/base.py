"""What the catalogue knows of a kind of product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from server.demo.canvas import Pen

Details = frozenset[str]
Drawer = Callable[[Pen, Random, Details], None]


@dataclass(frozen=True)
class Kind:
    """One kind of product: how it is drawn, named, sorted and priced."""

    name: str
    draw: Drawer
    details: tuple[str, ...]
    category: str
    nouns: tuple[str, ...]
    prices: tuple[int, int]
    materials: tuple[str, ...]
    standing: bool = False  # on a floor, rather than laid flat
    mirrors: bool = False  # may face either way
    patterned: bool = True  # has room for a pattern
    family: str = "clothes"  # which sentences describe it
