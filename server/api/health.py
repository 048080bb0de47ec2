"""Is the process alive (/healthz), and can it answer searches (/readyz)?"""

import shutil
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag

from server.activation.progress import Progress, count_without_vector, read_progress
from server.api.schemas import HealthAnswer, ReadyAnswer
from server.db import migrate
from server.db.engine import Database
from server.errors import VitrineError
from server.services import Services
from server.web.context import current_services

OK = "ok"
NOT_LOOKED_AT = "Not looked at, because the database does not answer."
# With less, the embedded Postgres is about to stop.
LEAST_FREE_BYTES = 100_000_000

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
    """Whether database, schema, model and disk are in a state to answer searches. 503 where one is not."""
    services = current_services()
    model: dict[str, Any] = {"model": None, "execution_provider": None, "live_without_vector": None, "activation": None}
    checks = _look_at_database(services.database)
    checks["model"] = _look_at_model(services, model) if checks["database"] == OK else NOT_LOOKED_AT
    checks["disk"] = _look_at_disk(services.settings.data_dir)
    ready = all(value == OK for value in checks.values())
    return make_response(jsonify({"ready": ready, "checks": checks, **model}), HTTPStatus.OK if ready else 503)


def _look_at_database(database: Database) -> dict[str, str]:
    try:
        state = migrate.status(database)
    except VitrineError as exc:
        return {"database": exc.message, "schema": NOT_LOOKED_AT}
    if state.is_current:
        return {"database": OK, "schema": OK}
    if state.current is not None and not migrate.knows(state.current):
        said = "Newer than this version of Vitrine. Install the version that upgraded it."
    else:
        said = "Not current. Run `vitrine db upgrade`."
    return {"database": OK, "schema": said}


def _look_at_model(services: Services, told: dict[str, Any]) -> str:
    """Runs it. told: what is found out about it."""
    try:
        active = services.search.check_model()
        encoder = services.encoder
        encoder.embed_text("ready")
        told["model"] = None if active is None else active.label
        told["execution_provider"] = encoder.execution_provider
        with services.database.connection() as connection:
            told["live_without_vector"] = count_without_vector(connection)
            told["activation"] = _told(read_progress(connection))
    except VitrineError as exc:
        return exc.message
    return OK


def _look_at_disk(folder: Path) -> str:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as exc:
        return f"The data directory cannot be looked at: {exc.strerror}."
    if free < LEAST_FREE_BYTES:
        return f"Only {free // 1_000_000} MB are free in the data directory. Make room."
    return OK


def _told(progress: Progress | None) -> dict[str, Any] | None:
    """What /readyz says of an activation under way; None where none is."""
    if progress is None or progress.is_over:
        return None
    names = ("name", "revision", "phase", "filled", "total", "per_second", "running")
    return {name: getattr(progress, name) for name in names}
