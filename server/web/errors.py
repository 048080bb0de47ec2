"""One error answer, made by one function. Detail goes to the log; the client gets a code and a sentence."""

import logging
from collections.abc import Callable, Iterable, Sequence

from flask import Flask, Response, current_app, g, jsonify, make_response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from server.errors import InvalidInput, VitrineError
from server.web.sentences import sentence

log = logging.getLogger(__name__)

# Sentences for what Flask itself refuses.
SENTENCES = {
    400: "The request could not be understood.",
    404: "There is nothing here.",
    405: "This address does not take that method.",
    413: "The request is too large. VITRINE_MAX_UPLOAD_MB sets the limit.",
    429: "Too many requests. Wait as many seconds as the header Retry-After says.",
    415: "Send JSON, with the header Content-Type: application/json.",
}

ErrorPage = Callable[[int, str], Response]


def error_answer(code: str, status: int, message: str, fields: Iterable[tuple[str, str]] = ()) -> Response:
    """The error shape: {"error": {"code", "message", "request_id", "fields": [{"field", "message"}]}}."""
    body = {
        "code": code,
        "message": message,
        "request_id": g.get("request_id", ""),
        "fields": [{"field": field, "message": text} for field, text in fields],
    }
    return make_response(jsonify({"error": body}), status)


def validation_answer(exc: ValidationError) -> Response:
    """The error answer for a request that its schema refused, a line for each field."""
    thing = "field" if request.is_json else "parameter"
    fields = [
        (_place(error["loc"]), sentence(error, thing)) for error in exc.errors(include_url=False, include_input=False)
    ]
    return fields_answer(fields)


def fields_answer(fields: Sequence[tuple[str, str]]) -> Response:
    """The error answer for fields that are not valid, each with what is wrong."""
    message = "; ".join(f"{field}: {text}" for field, text in fields[:5])
    return error_answer(InvalidInput.code, InvalidInput.status, message, fields)


def _place(location: Sequence[int | str]) -> str:
    """Of several values of a parameter, which one it was is not said: they have no numbers in an address."""
    is_of_body = request.is_json and request.method not in ("GET", "HEAD")
    parts = [str(part) for part in location if is_of_body or isinstance(part, str)]
    return ".".join(parts) or "request"


def wants_json() -> bool:
    """Whether the caller is a program rather than a person with a browser."""
    if request.path.startswith(("/api/", "/openapi", "/healthz", "/readyz", "/metrics")):
        return True
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def register_error_handlers(app: Flask, page: ErrorPage) -> None:
    """Answer every failure in the error shape, or with `page(status, sentence)` to a person."""

    def answer(code: str, status: int, message: str) -> Response:
        return error_answer(code, status, message) if wants_json() else page(status, message)

    @app.errorhandler(VitrineError)
    def on_own(exc: VitrineError) -> Response:
        if exc.status >= 500:
            log.error("%s %s: %s", request.method, request.path, exc.message, exc_info=exc)
        return answer(exc.code, exc.status, exc.message)

    @app.errorhandler(ValidationError)
    def on_validation(exc: ValidationError) -> Response:
        return validation_answer(exc)

    @app.errorhandler(HTTPException)
    def on_http(exc: HTTPException) -> Response:
        if exc.response is not None:
            return make_response(exc.response)
        status = exc.code or 500
        sentence = SENTENCES.get(status, "The request was refused.")
        response = answer(exc.name.lower().replace(" ", "_"), status, sentence)
        for name, value in exc.get_headers(request.environ):
            if name.lower() in ("allow", "retry-after"):
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def on_surprise(exc: Exception) -> Response:
        current_app.logger.exception("Unexpected failure in %s %s", request.method, request.path)
        sentence = f"Something went wrong on our side. Its log entry has the request id {g.get('request_id', '')}."
        return answer(VitrineError.code, 500, sentence)
