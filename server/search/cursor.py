"""Cursors: where the last page ended, signed, so that a foreign or altered one is refused and not obeyed."""

from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from server.errors import InvalidCursor


class CursorCodec:
    """Turns the last hit's sort key into an opaque string and back."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="search-cursor")

    def encode(self, fingerprint: str, position: list[Any]) -> str:
        """`position` holds JSON values: the sort key of the last hit on the page."""
        return str(self._serializer.dumps([fingerprint, position]))

    def decode(self, fingerprint: str, cursor: str) -> list[Any]:
        """The position of a cursor that was made for this very search. Raises InvalidCursor."""
        try:
            made_for, position = self._serializer.loads(cursor)
        except (BadSignature, ValueError, TypeError) as exc:
            raise InvalidCursor("This cursor was not made by this server. Start again without a cursor.") from exc
        if made_for != fingerprint:
            raise InvalidCursor(
                "This cursor belongs to another search (other words, filters or order). Start again without a cursor."
            )
        return list(position)
