"""The drawn catalogue: products whose pictures are made by code, with the truth about each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from PIL import Image

from server.demo import texts
from server.demo.canvas import Pen, Pose
from server.demo.kinds import ALL_KINDS
from server.demo.kinds.base import Kind
from server.demo.palette import COLOURS, tones_of
from server.demo.patterns import PATTERNS
from server.demo.scenery import background, cast_shadow

# One in which the queries of the README have several answers: 7 red mugs, 4 blue striped shirts. Training uses others.
DEMO_SEED = 18_044
KINDS: tuple[str, ...] = tuple(ALL_KINDS)

_ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words
_SKU_SPACE = len(_ALPHABET) ** 6
_BLOCK = 20  # of every so many products the last three are variants of each other
_VARIANTS = 3
_FAVOURITES = 4  # colours of each kind ...
_FAVOURITE_WEIGHT = 4  # ... that are so many times as frequent as the others
_DETAIL_CHANCE = 0.42


@dataclass(frozen=True)
class Truth:
    """What the picture shows."""

    kind: str
    colour: str
    pattern: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class DrawnProduct:
    """One product of the drawn catalogue."""

    sku: str
    item_group: str | None
    title: str
    description: str
    brand: str
    category: str
    price: Decimal
    sale_price: Decimal | None
    currency: str
    stock: int
    attributes: dict[str, str]
    truth: Truth
    text_tells: bool
    shape_seed: str = field(repr=False)
    scene_seed: str = field(repr=False)

    def draw(self, size: int) -> Image.Image:
        """The product's picture, `size` pixels square, RGB; the same on every call."""
        kind, truth = ALL_KINDS[self.truth.kind], self.truth
        shape, scene = Random(self.shape_seed), Random(self.scene_seed)
        tones = tones_of(truth.colour, scene)
        pose = _pose(kind, scene)
        pen = Pen(size * 2, truth.pattern, tones, pose, Random(f"{self.shape_seed}:pattern"))
        kind.draw(pen, shape, frozenset(truth.details))
        light = truth.colour == "white" or (truth.colour == "grey" and scene.random() < 0.3)
        image = background(size, light, kind.standing, scene)
        cast_shadow(image, pen.silhouette, kind.standing)
        pen.place_on(image)
        return image


def details_of(kind: str) -> tuple[str, ...]:
    """The details that a product of this kind may have."""
    return ALL_KINDS[kind].details


def draw_catalogue(count: int, seed: int) -> Iterator[DrawnProduct]:
    """The first `count` products of the catalogue `seed`; product i depends on (seed, i) only."""
    for index in range(count):
        yield _product(seed, index)


def _product(seed: int, index: int) -> DrawnProduct:
    rng = Random(f"{seed}:{index}")
    place = index % _BLOCK
    grouped = place >= _BLOCK - _VARIANTS
    leader = index - place + _BLOCK - _VARIANTS if grouped else index
    model = Random(f"{seed}:{leader}:model")  # what variants have in common
    kind = ALL_KINDS[_kind_name(seed, leader)]
    pattern = model.choice(PATTERNS) if kind.patterned else "plain"
    details = tuple(d for d in kind.details if model.random() < _DETAIL_CHANCE)
    brand = model.choice(texts.BRANDS)
    base = texts.title_base(kind, model)
    price = _price(kind, model)
    palette = model.sample(COLOURS, _VARIANTS)
    colour = palette[index - leader] if grouped else _colour(seed, kind.name, rng)
    tells = rng.random() < 0.5
    looks = (colour, pattern, details) if tells else None
    on_sale = rng.random() < 0.2
    return DrawnProduct(
        sku=_sku(seed, index),
        item_group=f"G-{_sku(seed, leader)[3:]}" if grouped else None,
        title=texts.full_title(brand, base, looks, rng),
        description=texts.description(kind, looks, rng),
        brand=brand,
        category=kind.category,
        price=price,
        sale_price=_reduced_price(price, rng) if on_sale else None,
        currency="USD",
        stock=0 if rng.random() < 0.12 else rng.randint(1, 140),
        attributes=texts.attributes(kind, looks, rng),
        truth=Truth(kind.name, colour, pattern, details),
        text_tells=tells,
        shape_seed=f"{seed}:{leader}:shape",
        scene_seed=f"{seed}:{index}:scene",
    )


def _colour(seed: int, kind: str, rng: Random) -> str:
    """A colour; a shop has a few of them for each kind that it stocks more of than of the others."""
    favourites = Random(f"{seed}:{kind}:colours").sample(COLOURS, _FAVOURITES)
    return rng.choices(COLOURS, [_FAVOURITE_WEIGHT if colour in favourites else 1 for colour in COLOURS])[0]


def _kind_name(seed: int, index: int) -> str:
    """Kinds come in shuffled rounds, so that each is about as frequent as the others."""
    names = list(KINDS)
    Random(f"{seed}:{index // len(names)}:kinds").shuffle(names)
    return names[index % len(names)]


def _sku(seed: int, index: int) -> str:
    offset = Random(f"{seed}:sku").randrange(_SKU_SPACE)
    code = (index * 396_471_217 + offset) % _SKU_SPACE
    letters = ""
    for _ in range(6):
        code, rest = divmod(code, len(_ALPHABET))
        letters += _ALPHABET[rest]
    return f"VT-{letters}"


def _price(kind: Kind, rng: Random) -> Decimal:
    low, high = kind.prices
    whole = round(low * (high / low) ** rng.random())
    return Decimal(whole) + Decimal(rng.choice(("0.00", "-0.01", "0.50", "0.90")))


def _reduced_price(price: Decimal, rng: Random) -> Decimal:
    share = Decimal(rng.choice((60, 70, 75, 80, 85, 90))) / 100
    return min((price * share).quantize(Decimal("0.01")), price - Decimal("0.01"))


def _pose(kind: Kind, rng: Random) -> Pose:
    turn = rng.uniform(-3, 3) if kind.standing else rng.uniform(-13, 13)
    return Pose(
        scale=rng.uniform(0.76, 0.9),
        turn=turn,
        mirror=kind.mirrors and rng.random() < 0.5,
        dx=rng.uniform(-0.06, 0.06),
        dy=rng.uniform(-0.04, 0.05),
    )
