"""One exception tree. Each class carries a machine-readable code, an HTTP status and a sentence.

The sentence is for people: it says what is wrong and what to do. Detail for operators (driver text, paths)
goes to the log through ``raise ... from exc`` and never into the sentence.
"""

from typing import Any, ClassVar


class VitrineError(Exception):
    """Something went wrong in Vitrine."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str | None = None, **context: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.context = context
        super().__init__(self.message)


class BadRequest(VitrineError):
    """The request could not be understood."""

    code = "bad_request"
    status = 400


class InvalidInput(BadRequest):
    """A field of the request is not valid."""

    code = "invalid_input"
    status = 422


class InvalidCursor(BadRequest):
    """This cursor does not belong to this search. Start again without a cursor."""

    code = "invalid_cursor"


class InvalidImage(BadRequest):
    """The file is not a picture that can be read (JPEG, PNG, WebP or GIF)."""

    code = "invalid_image"
    status = 422


class Forbidden(VitrineError):
    """This is not allowed."""

    code = "forbidden"
    status = 403


class Unauthorized(VitrineError):
    """The key is missing or wrong. Send it as `Authorization: Bearer KEY`."""

    code = "unauthorized"
    status = 401


class TooManyRequests(VitrineError):
    """Too many tries. Wait a while."""

    code = "too_many_requests"
    status = 429


class NotFound(VitrineError):
    """There is nothing here."""

    code = "not_found"
    status = 404


class Conflict(VitrineError):
    """The change conflicts with what is stored."""

    code = "conflict"
    status = 409


class ChangedMeanwhile(Conflict):
    """Somebody else has changed this meanwhile. Look at it again."""

    code = "changed_meanwhile"


class SettingError(VitrineError):
    """A setting is not valid."""

    code = "invalid_setting"


class DatabaseUnavailable(VitrineError):
    """The database does not answer. Try again in a moment."""

    code = "database_unavailable"
    status = 503


class DatabaseNotReady(VitrineError):
    """The database is not ready for this version of Vitrine. Run `vitrine db upgrade`."""

    code = "database_not_ready"
    status = 503


class ModelError(VitrineError):
    """The embedding model cannot be used."""

    code = "model_error"
    status = 503


class OtherModel(ModelError):
    """The catalogue was embedded by another model than the settings name."""


class NotCached(ModelError):
    """The cache of downloads does not hold the model."""


class FeedError(VitrineError):
    """The catalogue file cannot be read."""

    code = "feed_error"
    status = 422


class StorageUnavailable(VitrineError):
    """The picture cannot be stored. Look at the disk of the data directory."""

    code = "storage_unavailable"
    status = 503


class BackupError(VitrineError):
    """The backup cannot be made or used."""

    code = "backup_error"
    status = 422
