"""Cursors: where the last page ended and what the first one decided, signed, so that a foreign one is refused."""

from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import TypeAdapter, ValidationError

from server.errors import InvalidCursor
from server.search.result_set import Decided
from server.search.text_query import TextQuery


@dataclass(frozen=True)
class Place:
    """Where a walk through a result is.

    fingerprint: of the search. after: the sort key of the last hit. shown: how many hits came so far. model: the digest
    of the model that ranks, None where nothing is ranked. embedded: the words that were embedded, as corrected.
    """

    fingerprint: str
    after: list[Any]
    shown: int
    model: str | None
    embedded: str
    text: TextQuery
    decided: Decided


_PLACE = TypeAdapter(Place)


class CursorCodec:
    """Turns a place into an opaque string and back."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="search-cursor-2")

    def encode(self, place: Place) -> str:
        """The place as text for an address."""
        return str(self._serializer.dumps(_PLACE.dump_python(place, mode="json", exclude_defaults=True)))

    def decode(self, cursor: str, fingerprint: str, model: str | None = None) -> Place:
        """The place of a cursor that was made for this very search. Raises InvalidCursor.

        model: that ranks now, where the fingerprint is of its vector: another model makes it another one.
        """
        try:
            place = _PLACE.validate_python(self._serializer.loads(cursor))
        except (BadSignature, ValidationError, ValueError, TypeError) as exc:
            raise InvalidCursor("This cursor was not made by this server. Start again without a cursor.") from exc
        check_model(place, model)
        if place.fingerprint != fingerprint:
            raise InvalidCursor(
                "This cursor belongs to another search (other words, filters or order). Start again without a cursor."
            )
        return place


def check_model(place: Place, model: str | None) -> None:
    """Raises InvalidCursor where another model ranks by now: its scores cannot be compared with the cursor's."""
    if place.model and model and place.model != model:
        raise InvalidCursor("This cursor was made before the shop's model was changed. Start again without a cursor.")
