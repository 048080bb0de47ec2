"""Models in the browser: which there are, what another one would cost, its activation, watched and stopped."""

from dataclasses import dataclass
from typing import Any

import psycopg
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server.activation.cost import Cost, read_costs
from server.activation.progress import Progress, read_progress
from server.activation.run import check
from server.activation.session import how_to_end
from server.activation.slots import read_slots
from server.admin.live import fragment
from server.admin.page import page
from server.embedding.current import installed_names
from server.embedding.files import sizes
from server.embedding.manifest import Manifest
from server.embedding.registry import InstalledModel, find_installed, list_models
from server.errors import Conflict, ModelError, NotFound
from server.jobs import failures
from server.jobs.activating import ActivationJob, find_job
from server.jobs.queue import queue_activation
from server.services import Services
from server.staff import audit
from server.web.context import current_services
from server.web.gauges import count_workers

bp = Blueprint("models", __name__)


@dataclass(frozen=True)
class Row:
    """An installed model. state: active, previous or candidate, or None; cost: of making it the active one."""

    model: InstalledModel
    state: str | None
    size_bytes: int | None
    cost: Cost | None

    @property
    def manifest(self) -> Manifest | None:
        """What it says of itself; None where it cannot be used."""
        return self.model.manifest


@bp.get("/models")
def overview() -> AnyResponse:
    """All installed models, and the activation that is under way or was the last one."""
    services = current_services()
    with services.database.connection() as connection:
        rows, facts = _rows(services, connection), _facts(services, connection)
    return page("models.html", rows=rows, **facts)


@bp.get("/models/live")
def live() -> AnyResponse:
    """How far it is, for a page that asks again and again."""
    services = current_services()
    with services.database.connection() as connection:
        facts = _facts(services, connection)
    return fragment("models_live.html", is_over=not facts["is_under_way"], **facts)


@bp.post("/models/activate")
def activate() -> AnyResponse:
    """Have the worker embed all products with a model and switch to it; of the active one, give up what was begun."""
    services = current_services()
    manifest = find_installed(services.settings, request.form.get("digest", ""))
    if manifest is None:
        raise NotFound("This model is not installed any more. Load the page again to see those that are.")
    name = installed_names(services.settings)[manifest.digest]
    try:
        with services.database.connection() as connection:
            # What keeps it from becoming the active one is said now, and not by a job that failed.
            if check(connection, manifest) and not _facts(services, connection)["is_interrupted"]:
                flash(f"{name} is the active model already.")
                return redirect(url_for("admin.models.overview"))
            queue_activation(connection, manifest, name, _actor(), request.form.get("lost_by_title") == "yes")
            audit.record(connection, _actor(), "ask to activate", f"model/{manifest.name}")
    except (Conflict, ModelError) as exc:
        flash(exc.message, "danger")
    else:
        flash(f"The worker is told to activate {name}. Shoppers search with the model in use until it is done.")
    return redirect(url_for("admin.models.overview"))


@bp.post("/models/stop")
def stop() -> AnyResponse:
    """Stop the activation; what was embedded is kept."""
    with current_services().database.connection() as connection:
        job = find_job(connection)
        if job is None or not job.is_under_way:
            raise Conflict("No activation waits or runs that was begun here.")
        failures.cancel(connection, job.id)
        audit.record(connection, _actor(), "stop activating", f"model/{job.name}")
    flash("It stops within seconds. What was embedded is kept: activate the model again to go on.")
    return redirect(url_for("admin.models.overview"))


def _rows(services: Services, connection: psycopg.Connection) -> list[Row]:
    installed = list_models(services.settings)
    slots = read_slots(connection)
    states = {model.digest: model.state for model in (slots.active, slots.other) if model is not None}
    costs = read_costs(connection, [model.manifest for model in installed if model.manifest is not None])
    return [
        Row(model, None, None, None)
        if model.manifest is None
        else Row(
            model,
            states.get(model.manifest.digest),
            sum(sizes(model.manifest).values()),
            costs.get(model.manifest.digest),
        )
        for model in installed
    ]


def _facts(services: Services, connection: psycopg.Connection) -> dict[str, Any]:
    job, progress = find_job(connection), read_progress(connection)
    names = installed_names(services.settings)
    return {
        "job": job,
        "progress": progress,
        "name": _name(job, progress, names),
        "is_under_way": (job is not None and job.is_under_way) or (progress is not None and progress.running),
        "is_interrupted": progress is not None and not progress.is_over and not progress.running,
        "how_to_end": None if progress is None or progress.process is None else how_to_end(progress.process),
        "workers": count_workers(connection),
    }


def _name(job: ActivationJob | None, progress: Progress | None, names: dict[str, str]) -> str:
    """Of the model that it is about."""
    if job is not None and job.is_under_way:
        return job.name
    return "" if progress is None else names.get(progress.digest, progress.name)


def _actor() -> str:
    return str(current_user.account.name)
