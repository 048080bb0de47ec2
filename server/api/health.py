"""Is the process alive (/healthz), and can it answer searches (/readyz)?"""

from http import HTTPStatus

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag

from server.api.schemas import HealthAnswer, ReadyAnswer
from server.db import migrate
from server.errors import VitrineError
from server.web.context import current_services

bp = APIBlueprint("health", __name__, abp_tags=[Tag(name="Health")])


@bp.get("/healthz", summary="Alive", responses={HTTPStatus.OK: HealthAnswer})
def healthz() -> Response:
    """Answers as long as the process does."""
    return jsonify({"status": "ok"})


@bp.get(
    "/readyz",
    summary="Ready",
    responses={HTTPStatus.OK: ReadyAnswer, HTTPStatus.SERVICE_UNAVAILABLE: ReadyAnswer},
)
def readyz() -> Response:
    """Whether database, schema and model are in a state to answer searches. 503 where one is not."""
    services = current_services()
    checks = {}
    provider = None
    try:
        state = migrate.status(services.database)
        checks["database"] = "ok"
        checks["schema"] = "ok" if state.is_current else "Not current. Run `vitrine db upgrade`."
    except VitrineError as exc:
        checks["database"] = exc.message
    try:
        services.search.check_model()
        encoder = services.encoder
        encoder.embed_text("ready")
        provider = encoder.execution_provider
        checks["model"] = "ok"
    except VitrineError as exc:
        checks["model"] = exc.message
    ready = all(value == "ok" for value in checks.values())
    answer = {"ready": ready, "checks": checks, "execution_provider": provider}
    return make_response(jsonify(answer), HTTPStatus.OK if ready else 503)
