"""What the demo shop says of its products: half of it tells the looks, half keeps silent about them."""

from __future__ import annotations

from random import Random

from server.demo.kinds.base import Kind

BRANDS: tuple[str, ...] = (
    "Harbour", "Linden & Loom", "Norrvik", "Fernhill", "Juniper Lane", "Osterby", "Maren", "Quillow",
    "Tamsin Row", "Bramble & Birch", "Kestrel Supply", "Velloria", "Otterly", "Sundahl", "Pim & Pebble", "Aldergate",
)  # fmt: skip
_LINES: tuple[str, ...] = (
    "Everyday", "Weekend", "Classic", "Studio", "Heritage", "Essential", "Atelier", "Signature", "Nordic", "Coastal",
    "Meadow", "Metro", "Holiday", "Garden", "Travel",
)  # fmt: skip
_SILENT: dict[str, tuple[str, ...]] = {
    "clothes": (
        "Cut for an easy fit that keeps its shape all day.",
        "Soft against the skin and warm enough for a cool evening.",
        "Machine wash cold and dry flat.",
        "Made for long walks, slow mornings and everything between.",
        "True to size; take one size up for a roomier fit.",
        "A reliable piece that goes with the rest of your wardrobe.",
        "Woven in a small family mill and finished by hand.",
        "Comfortable from the first wear and better with every wash.",
    ),
    "shoes": (
        "Light to walk in and steady on wet pavement.",
        "The cushioned insole can be taken out and aired.",
        "Runs true to size; half sizes should take the larger one.",
        "Made for days that begin early and end late.",
        "Wipe clean with a damp cloth.",
        "A flexible sole follows every step.",
        "Broken in after an afternoon and loved for years.",
    ),
    "bags": (
        "Big enough for the day, small enough for the train.",
        "Built to be carried daily and to look good doing it.",
        "Comes with a two-year warranty.",
        "Wipe clean with a damp cloth and keep dry.",
        "Thoughtfully made for commuters and travellers.",
        "A fine present for somebody who has everything.",
        "Tested on cobblestones, in airports and in the rain.",
    ),
    "kitchen": (
        "Safe in the dishwasher and made for daily use.",
        "A good size for one hungry person or two polite ones.",
        "Shaped by hand, so every piece differs a little.",
        "Keeps its warmth while the conversation goes on.",
        "Stacks neatly and takes little room in the cupboard.",
        "Made to be used every day, not kept for guests.",
        "A welcome housewarming present.",
    ),
    "home": (
        "Brings a calm corner to any room.",
        "Sturdy, quiet and made to last.",
        "Arrives assembled; only a soft cloth is needed for care.",
        "Designed for small flats and large families alike.",
        "Made in limited runs by a workshop we know well.",
        "Pairs well with both old and new pieces.",
        "Wipe with a dry cloth and keep out of direct sun.",
    ),
    "toys": (
        "Made for small hands and big adventures.",
        "Safe from twelve months and tested to the usual standards.",
        "A birthday favourite that survives being dropped.",
        "For rainy afternoons and sunny ones too.",
        "Wipe clean with mild soap and water.",
        "Sparks hours of quiet play.",
        "Small enough to come along on every trip.",
    ),
}
_OCCASIONS: dict[str, tuple[str, ...]] = {
    "clothes": ("office", "weekend", "holiday", "city"),
    "shoes": ("city", "countryside", "evening", "weekend"),
    "bags": ("travel", "office", "city", "weekend"),
    "kitchen": ("breakfast", "family dinner", "daily use", "guests"),
    "home": ("living room", "bedroom", "studio", "hallway"),
    "toys": ("nursery", "outdoors", "travel", "birthday"),
}
_PATTERN_WORDS: dict[str, tuple[str, ...]] = {
    "plain": ("Plain", "Solid"),
    "striped": ("Striped",),
    "dotted": ("Dotted", "Polka Dot"),
    "checked": ("Checked", "Plaid"),
    "floral": ("Floral", "Flowered"),
}


def title_base(kind: Kind, rng: Random) -> tuple[str, str]:
    """The part of a title that says nothing of the looks, and the noun that ends it."""
    line = rng.choice(_LINES)
    return (line if rng.random() < 0.75 else f"{line} No. {rng.randint(2, 48)}"), rng.choice(kind.nouns)


def full_title(brand: str, base: tuple[str, str], looks: tuple[str, str, tuple[str, ...]] | None, rng: Random) -> str:
    """A title; `looks` are colour, pattern and details, or None to keep silent about them."""
    line, noun = base
    if looks is None:
        return f"{brand} {line} {noun}"
    colour, pattern, details = looks
    words = [colour.title()]
    if pattern != "plain" or rng.random() < 0.3:
        words.insert(rng.randint(0, 1), rng.choice(_PATTERN_WORDS[pattern]))
    lead = f"{brand} {line} " if rng.random() < 0.5 else f"{brand} "
    tail = f" with {_listed(details).title().replace(' And ', ' and ')}" if details and rng.random() < 0.6 else ""
    return f"{lead}{' '.join(words)} {noun}{tail}"


def description(kind: Kind, looks: tuple[str, str, tuple[str, ...]] | None, rng: Random) -> str:
    """One to three sentences."""
    sentences = rng.sample(_SILENT[kind.family], rng.randint(1, 2))
    if looks is None:
        if rng.random() < 0.3:
            sentences.append("Honest materials, carefully put together.")
        return " ".join(sentences)
    colour, pattern, details = looks
    look = f"{colour} and {pattern}" if rng.random() < 0.5 else f"{pattern} {colour}"
    sentence = f"A {look} {kind.name}{' with ' + _listed(details) if details else ''}."
    return " ".join([sentence.replace("A orange", "An orange"), *sentences])


def attributes(kind: Kind, looks: tuple[str, str, tuple[str, ...]] | None, rng: Random) -> dict[str, str]:
    """The product's properties."""
    found = {"material": rng.choice(kind.materials)}
    if kind.family in ("clothes", "shoes"):
        found["season"] = rng.choice(("spring", "summer", "autumn", "winter", "all year"))
        found["fit"] = rng.choice(("regular", "relaxed", "slim"))
    found["occasion"] = rng.choice(_OCCASIONS[kind.family])
    if looks is not None:
        found["colour"] = looks[0]
        found["pattern"] = looks[1]
        if looks[2]:
            found["details"] = ", ".join(looks[2])
    return found


def _listed(words: tuple[str, ...]) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"
