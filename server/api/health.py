"""Is the process alive (/healthz), and can it answer searches (/readyz)?"""

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag

from server.activation.progress import Progress, count_without_vector, read_progress
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
    model: dict[str, Any] = {"model": None, "execution_provider": None, "live_without_vector": None, "activation": None}
    try:
        state = migrate.status(services.database)
        checks["database"] = "ok"
        checks["schema"] = "ok" if state.is_current else "Not current. Run `vitrine db upgrade`."
    except VitrineError as exc:
        checks["database"] = exc.message
    try:
        active = services.search.check_model()
        encoder = services.encoder
        encoder.embed_text("ready")
        model["model"] = None if active is None else active.label
        model["execution_provider"] = encoder.execution_provider
        with services.database.connection() as connection:
            model["live_without_vector"] = count_without_vector(connection)
            model["activation"] = _told(read_progress(connection))
        checks["model"] = "ok"
    except VitrineError as exc:
        checks["model"] = exc.message
    ready = all(value == "ok" for value in checks.values())
    return make_response(jsonify({"ready": ready, "checks": checks, **model}), HTTPStatus.OK if ready else 503)


def _told(progress: Progress | None) -> dict[str, Any] | None:
    """What /readyz says of an activation under way; None where none is."""
    if progress is None or progress.is_over:
        return None
    names = ("name", "revision", "phase", "filled", "total", "per_second", "running")
    return {name: getattr(progress, name) for name in names}
