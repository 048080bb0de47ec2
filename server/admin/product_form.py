"""A product as a form sends it: texts to a record, pictures in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from flask import Request
from pydantic import ValidationError

from server.catalog import prices, sku
from server.catalog.change import Refused, check_sale_price
from server.catalog.gallery import MOST_PICTURES, clean_alt
from server.catalog.product import Product, ProductPatch, problems
from server.errors import InvalidImage, InvalidInput

FIELDS = (
    "title", "description", "brand", "category", "price", "sale_price", "currency", "stock", "status", "item_group",
)  # fmt: skip
# From the top of the form to its end.
IN_ORDER = ("sku", *FIELDS, "attributes", "pictures")
NO_TITLE = "A product needs a title."
NO_SKU = "A product needs a SKU."
STATUSES = {"live": "in the shop", "draft": "not yet in the shop", "hidden": "no longer in the shop"}


@dataclass(frozen=True)
class SentPicture:
    """A picture in its place: one that is stored (sha256), or a new one (data, and the name of its file)."""

    alt: str
    sha256: str | None = None
    data: bytes | None = None
    name: str = ""


@dataclass(frozen=True)
class SentProduct:
    """What the form says. mistakes: field -> sentence; `patch` is None where there are any.

    refused_pictures: (name of the file, why) of those that were sent and cannot be taken.
    gallery: what was typed at the stored pictures: place:DIGEST, alt:DIGEST, remove:DIGEST.
    """

    values: Mapping[str, str]
    patch: ProductPatch | None
    mistakes: Mapping[str, str]
    refused_pictures: Sequence[tuple[str, str]] = ()
    gallery: Mapping[str, str] = field(default_factory=dict)

    def refused(self, field: str, sentence: str) -> "SentProduct":
        """The same with a mistake that showed only when it was to be saved."""
        return replace(self, patch=None, mistakes={**self.mistakes, field: sentence})

    @property
    def first_wrong(self) -> str | None:
        """The first field of the form that has to be put right."""
        wrong = {*self.mistakes, *(("pictures",) if self.refused_pictures else ())}
        return next((name for name in IN_ORDER if name in wrong), None)


class RefusedPictures(InvalidImage):
    """Some of the pictures cannot be taken."""

    def __init__(self, refused: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in refused))
        self.refused = refused


def shown_values(product: Product | None, currency: str) -> dict[str, str]:
    """What stands in the fields of a form before somebody changes it."""
    if product is None:
        return dict.fromkeys((*FIELDS, "attributes", "sku"), "") | {"currency": currency, "status": "live"}
    values = {name: "" if getattr(product, name) is None else str(getattr(product, name)) for name in (*FIELDS, "sku")}
    return values | {"attributes": shown_attributes(product.attributes)}


def read_product(sent: Mapping[str, str], stored: Product | None) -> SentProduct:
    """Check what was typed, all of it. An empty field empties the product's, where it may be empty."""
    values = {name: sent.get(name, "").replace("\r\n", "\n") for name in (*FIELDS, "attributes", "sku")}
    mistakes = _wrong_sku(values["sku"].strip()) if stored is None else {}
    given: dict[str, Any] = {name: values[name].strip() or None for name in FIELDS}
    if given["title"] is None:
        mistakes["title"] = NO_TITLE
        given.pop("title")
    if given["currency"] is None:
        given.pop("currency")
    if given["status"] not in STATUSES:
        # What is in the trash stays there until somebody takes it out.
        given.pop("status")
    known = {} if stored is None else stored.attributes
    try:
        given["attributes"] = read_attributes(values["attributes"], known)
    except ValueError as exc:
        mistakes["attributes"] = str(exc)
    patch = None
    try:
        patch = ProductPatch.model_validate(given)
    except ValidationError as exc:
        for field, reason in (*problems(exc), *_problems_behind(exc, given)):
            mistakes.setdefault(field or "title", as_sentence(reason))
    for name, sentence in _wrong_sale_price(given).items():
        mistakes.setdefault(name, sentence)
    gallery = {name: text for name, text in sent.items() if name.partition(":")[0] in ("place", "alt", "remove")}
    return SentProduct(values, None if mistakes else patch, mistakes, gallery=gallery)


def _wrong_sku(told: str) -> dict[str, str]:
    if not told:
        return {"sku": NO_SKU}
    return {} if sku.is_valid(told) else {"sku": sku.SENTENCE}


def _problems_behind(found: ValidationError, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A price in another currency is found before the fields are looked at: what is wrong with these."""
    if all(item["loc"] for item in found.errors(include_url=False)):
        return []
    try:
        ProductPatch.model_validate({name: value for name, value in given.items() if name != "currency"})
    except ValidationError as exc:
        return problems(exc)
    return []


def _wrong_sale_price(given: Mapping[str, Any]) -> dict[str, str]:
    """What the catalogue would say when it is saved. Prices that are no numbers are refused by themselves."""
    try:
        check_sale_price({name: prices.parse_price(given[name])[0] for name in ("price", "sale_price")})
    except Refused as exc:
        return {exc.field: as_sentence(exc.reason)}
    except ValueError:
        pass
    return {}


def read_field(name: str, told: str, stored: Product) -> ProductPatch:
    """One field alone, as it was typed. Raises InvalidInput with the sentence that belongs beside it."""
    if name == "title" and not told.strip():
        raise InvalidInput(NO_TITLE)
    try:
        # A price that names its currency is refused where that is another one.
        patch = ProductPatch.model_validate({name: told.strip() or None, "currency": stored.currency})
    except ValidationError as exc:
        raise InvalidInput(as_sentence(problems(exc)[0][1])) from exc
    return ProductPatch.model_construct(_fields_set={name}, **{name: getattr(patch, name)})


def as_sentence(reason: str) -> str:
    """What is wrong with a field, to stand below it."""
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}."


def shown_attributes(attributes: Mapping[str, Any]) -> str:
    """One a line: `name: value`, what is no text as JSON."""
    return "\n".join(f"{name}: {_shown(value)}" for name, value in attributes.items())


def read_attributes(text: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """The same read again, numbers and lists as they were. Raises ValueError."""
    result: dict[str, Any] = {}
    # A name may hold a colon itself: those that are there already are looked for first, the longest before others.
    names = sorted(known, key=len, reverse=True)
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        told = next((name for name in names if line.strip().startswith(f"{name}:")), None)
        name, colon, value = line.strip().partition(":") if told is None else (told, ":", line.strip()[len(told) + 1 :])
        name, value = name.strip(), value.strip()
        if not colon or not name:
            raise ValueError(
                f"Line {number} needs a name and a colon before its value, such as colour: blue. It is: {line[:40]}"
            )
        if name in result:
            raise ValueError(f"{name} stands there twice.")
        result[name] = known[name] if name in known and _shown(known[name]) == value else _read(value)
    return {name: value for name, value in result.items() if value is not None}


def _shown(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else orjson.dumps(value).decode()


def _read(value: str) -> Any:
    """A list or an object is JSON; all else is text."""
    if value[:1] in ("[", "{"):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value or None


def read_pictures(request: Request) -> list[SentPicture]:
    """Stored pictures by the places that the form gives them, new ones by theirs or behind. Raises InvalidInput.

    Fields of a stored picture: place:DIGEST, alt:DIGEST, remove:DIGEST; of the n-th new file in `pictures`:
    place:new:n, alt:new:n.
    """
    form, found = request.form, []
    for name in form:
        kind, _, sha256 = name.partition(":")
        if kind == "place" and not sha256.startswith("new:") and f"remove:{sha256}" not in form:
            found.append((_place(form[name]), SentPicture(clean_alt(form.get(f"alt:{sha256}", "")), sha256=sha256)))
    files = [file for file in request.files.getlist("pictures") if file.filename]
    for number, file in enumerate(files):
        place = _place(form.get(f"place:new:{number}", ""))
        alt = clean_alt(form.get(f"alt:new:{number}", ""))
        # They may have been read before, to be checked.
        file.seek(0)
        found.append((place, SentPicture(alt, data=file.read(), name=file.filename or "")))
    if len(found) > MOST_PICTURES:
        said = f"A product has {MOST_PICTURES} pictures at most."
        raise InvalidInput(said, field="pictures", reason=said)
    found.sort(key=lambda pair: pair[0])
    return [picture for _, picture in found]


def _place(told: str) -> int:
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 6 else 99_999
