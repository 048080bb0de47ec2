"""Cursors: where the last page ended, signed, so that a foreign or altered one is refused and not obeyed."""

from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from server.errors import InvalidCursor


class CursorCodec:
    """Turns the last hit's sort key into an opaque string and back."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="search-cursor")

    def encode(self, fingerprint: str, position: list[Any], model: str | None) -> str:
        """`position` holds JSON values: the sort key of the last hit on the page. `model` ranked it, if one did."""
        return str(self._serializer.dumps([fingerprint, position, _short(model)]))

    def decode(self, fingerprint: str, cursor: str, model: str | None) -> list[Any]:
        """The position of a cursor that was made for this very search. Raises InvalidCursor."""
        try:
            made_for, position, made_by = self._serializer.loads(cursor)
        except (BadSignature, ValueError, TypeError) as exc:
            raise InvalidCursor("This cursor was not made by this server. Start again without a cursor.") from exc
        if made_by != _short(model) and made_by and model:
            raise InvalidCursor(
                "This cursor was made before the shop's model was changed. Start again without a cursor."
            )
        if made_for != fingerprint:
            raise InvalidCursor(
                "This cursor belongs to another search (other words, filters or order). Start again without a cursor."
            )
        return list(position)


def _short(model: str | None) -> str | None:
    """Enough of a model's digest to tell it from the others that a shop ever had."""
    return None if model is None else model[:12]
