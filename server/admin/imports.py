"""Imports in the browser: send files, look at them, start, watch and stop the run, fetch what was refused."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, request, send_file, url_for
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from server.admin.live import fragment
from server.admin.page import page
from server.catalog.picture import MB
from server.errors import Conflict, FeedError, InvalidInput, NotFound, VitrineError
from server.imports import runs
from server.imports.preview import FIELDS, Preview, chosen_columns, read_preview
from server.imports.runs import Run, State
from server.imports.store import LONGEST_NAME, MOST_FILES, UploadStore, WrongOffset, safe_path
from server.jobs.queue import queue_import
from server.services import Services
from server.web.context import current_services
from server.web.errors import error_answer

bp = Blueprint("imports", __name__)

MOST_SHOWN = 50
# A part that is lost with its connection is sent again, and a proxy may take bodies of some megabytes only.
PART_BYTES = 4 * MB
CHUNK_BYTES = 256 * 1024


@bp.get("/imports")
def overview() -> AnyResponse:
    """All imports, and a form for another one."""
    return page("imports.html", **_overview())


@bp.get("/imports/live")
def overview_live() -> AnyResponse:
    """The list as it is now, for a page that asks again and again."""
    return fragment("imports_live.html", **_overview())


@bp.post("/imports")
def send() -> AnyResponse:
    """Files in one form, from a browser that runs no script."""
    files = [file for file in request.files.getlist("files") if file.filename]
    if not files:
        raise InvalidInput("Choose a file first.")
    services = current_services()
    for file in files:
        safe_path(file.filename or "")
    with services.database.connection() as connection:
        run = runs.create(connection, _name_of([file.filename or "" for file in files]), 0, _actor())
    UploadStore.of(services.settings).make(run)
    try:
        for file in files:
            _keep(services, run, file)
    except VitrineError:
        _forget(services, run)
        raise
    _, unreadable = _preview(services, run)
    with services.database.connection() as connection:
        runs.mark_ready(connection, run, unreadable)
    return redirect(url_for("admin.imports.one", run=run))


@bp.post("/imports/begin")
def begin() -> AnyResponse:
    """Announce files that will come in parts: {"paths": [...], "bytes": all of them together}."""
    told = request.get_json(silent=True)
    paths, size = (told.get("paths"), told.get("bytes")) if isinstance(told, dict) else (None, None)
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths) or not paths:
        raise InvalidInput("paths: Send a list of file names.")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InvalidInput("bytes: Send how large they are together.")
    if len(paths) > MOST_FILES:
        raise InvalidInput(f"These are {len(paths):,} files; {MOST_FILES:,} go at once. Send a zip, or in parts.")
    services = current_services()
    if size > services.settings.max_import_mb * MB:
        raise InvalidInput(
            f"This is more than {services.settings.max_import_mb:,} MB, which VITRINE_MAX_IMPORT_MB allows."
        )
    for path in paths:
        safe_path(path)
    with services.database.connection() as connection:
        run = runs.create(connection, _name_of(paths), size, _actor())
    UploadStore.of(services.settings).make(run)
    part = min(PART_BYTES, services.settings.max_upload_mb * MB // 2)
    return jsonify({"run": run, "part_bytes": part, "page": url_for("admin.imports.one", run=run)})


@bp.put("/imports/<int:run>/file")
def receive(run: int) -> AnyResponse:
    """A part of a file: its path and where the part begins stand in the address, the bytes are the body."""
    services = current_services()
    with services.database.connection() as connection:
        found = runs.find(connection, run)
    if found.state is not State.UPLOADING:
        raise Conflict("This import has all its files already.")
    offset = request.args.get("offset", type=int)
    if offset is None or offset < 0:
        raise InvalidInput("offset: Say where the part begins.")
    store = UploadStore.of(services.settings)
    try:
        received = store.receive(run, request.args.get("path", ""), offset, _chunks(), found.bytes - found.received)
    except WrongOffset as exc:
        answer = error_answer("wrong_offset", exc.status, exc.message)
        answer.headers["X-Received"] = str(exc.received)
        return answer
    with services.database.connection() as connection:
        runs.note_received(connection, run, received - offset)
    return jsonify({"received": received})


@bp.get("/imports/<int:run>/received")
def received(run: int) -> AnyResponse:
    """How much of which file is here, for an upload that goes on."""
    services = current_services()
    with services.database.connection() as connection:
        found = runs.find(connection, run)
    part = min(PART_BYTES, services.settings.max_upload_mb * MB // 2)
    files = UploadStore.of(services.settings).received(run)
    return jsonify({"run": run, "files": files, "bytes": found.bytes, "part_bytes": part})


@bp.post("/imports/<int:run>/uploaded")
def uploaded(run: int) -> AnyResponse:
    """All parts were sent."""
    services = current_services()
    with services.database.connection() as connection:
        found = runs.find(connection, run)
        files = UploadStore.of(services.settings).received(run)
        here = sum(files.values())
        if len(files) > MOST_FILES:
            raise InvalidInput(f"These are {len(files):,} files; {MOST_FILES:,} go at once. Send a zip, or in parts.")
        if here != found.bytes:
            raise Conflict(f"{here:,} of {found.bytes:,} bytes are here. Send the rest.")
        _, unreadable = _preview(services, run)
        runs.mark_ready(connection, run, unreadable)
    return jsonify({"page": url_for("admin.imports.one", run=run)})


@bp.get("/imports/<int:run>")
def one(run: int) -> AnyResponse:
    """One import: what stands in it, how it goes, or what came of it."""
    services = current_services()
    with services.database.connection() as connection:
        found = runs.find(connection, run)
    return _page(services, found)


@bp.get("/imports/<int:run>/live")
def one_live(run: int) -> AnyResponse:
    """How it goes, for a page that asks again and again."""
    services = current_services()
    with services.database.connection() as connection:
        found = runs.find(connection, run)
    return fragment("import_live.html", is_over=not found.state.is_under_way, **_facts(services, found))


@bp.post("/imports/<int:run>/start")
def start(run: int) -> AnyResponse:
    """Have a worker run it, or check it without writing."""
    services = current_services()
    told = {name.removeprefix("column:"): value for name, value in request.form.items() if name.startswith("column:")}
    try:
        return _start(services, run, told)
    except (InvalidInput, Conflict) as exc:
        with services.database.connection() as connection:
            found = runs.find(connection, run)
        return _page(services, found, HTTPStatus(exc.status), exc.message, told)


def _start(services: Services, run: int, told: Mapping[str, str]) -> AnyResponse:
    """Raises InvalidInput, Conflict, FeedError, NotFound."""
    with services.database.connection() as connection:
        found = runs.find(connection, run)
        preview = read_preview(UploadStore.of(services.settings).source(run))
        columns = {} if preview.has_pictures_alone else chosen_columns(preview, told)
        whole = request.form.get("whole") == "yes"
        # What a whole catalogue hides is counted and shown before it is done.
        is_known = found.state is State.DONE and found.dry_run and found.whole and found.columns == columns
        dry_run = "dry_run" in request.form or (whole and not is_known)
        runs.start(connection, run, columns, dry_run=dry_run, whole=whole)
        queue_import(connection, found.id)
    if dry_run and "dry_run" not in request.form:
        flash("It is checked first: see how many products would be hidden, then press Import again.")
    return redirect(url_for("admin.imports.one", run=run))


@bp.post("/imports/<int:run>/cancel")
def cancel(run: int) -> AnyResponse:
    """Stop it."""
    with current_services().database.connection() as connection:
        runs.cancel(connection, run)
    flash("It stops after the rows that it is at. What is in by then stays in.")
    return redirect(url_for("admin.imports.one", run=run))


@bp.post("/imports/<int:run>/delete")
def delete(run: int) -> AnyResponse:
    """Forget it and its file; the products stay."""
    services = current_services()
    with services.database.connection() as connection:
        runs.delete(connection, run)
    UploadStore.of(services.settings).delete(run)
    flash("The import and its file are deleted. Its products stay.")
    return redirect(url_for("admin.imports.overview"))


@bp.get("/imports/<int:run>/errors")
def errors(run: int) -> AnyResponse:
    """The refused rows, in a file that can be put right and imported again."""
    services = current_services()
    with services.database.connection() as connection:
        found = runs.find(connection, run)
    path = UploadStore.of(services.settings).error_archive(run)
    # Its own ending stays out: `products.csv` with refused rows in JSON Lines is no CSV.
    name = found.name.rpartition(".")[0] or found.name
    return send_file(path, as_attachment=True, download_name=f"{name}.refused{path.suffix}", max_age=0)


def _overview() -> dict[str, Any]:
    with current_services().database.connection() as connection:
        found = runs.newest(connection, MOST_SHOWN)
    return {"runs": found}


def _facts(services: Services, run: Run) -> dict[str, Any]:
    store = UploadStore.of(services.settings)
    here = sum(store.received(run.id).values()) if run.state is State.UPLOADING else 0
    return {"run": run, "here": here, "has_errors": bool(store.error_files(run.id))}


def _page(
    services: Services,
    run: Run,
    status: HTTPStatus = HTTPStatus.OK,
    refusal: str | None = None,
    told: Mapping[str, str] | None = None,
) -> AnyResponse:
    """The page of one import. told: what a start that was refused chose for the columns, to be chosen there still."""
    preview, unreadable = None, None
    if not run.state.is_under_way and run.state is not State.UPLOADING:
        preview, unreadable = _preview(services, run.id)
    return page(
        "import.html",
        status,
        preview=preview,
        unreadable=unreadable,
        refusal=refusal,
        chosen=run.columns if told is None else told,
        whole=run.whole if told is None else request.form.get("whole") == "yes",
        fields=FIELDS,
        **_facts(services, run),
    )


def _preview(services: Services, run: int) -> tuple[Preview | None, str | None]:
    """A look at the file, or why there is none."""
    try:
        return read_preview(UploadStore.of(services.settings).source(run)), None
    except (FeedError, NotFound) as exc:
        return None, exc.message


def _keep(services: Services, run: int, file: FileStorage) -> None:
    def chunks() -> Iterator[bytes]:
        while chunk := file.stream.read(CHUNK_BYTES):
            yield chunk

    most = services.settings.max_import_mb * MB
    UploadStore.of(services.settings).receive(run, file.filename or "", 0, chunks(), most)


def _forget(services: Services, run: int) -> None:
    with suppress(VitrineError), services.database.connection() as connection:
        runs.delete(connection, run)
    UploadStore.of(services.settings).delete(run)


def _chunks() -> Iterator[bytes]:
    while chunk := request.stream.read(CHUNK_BYTES):
        yield chunk


def _name_of(paths: list[str]) -> str:
    """What a person calls it: the file, or the folder that the files lie in."""
    first = safe_path(paths[0])
    if len(paths) == 1:
        return first.name[:LONGEST_NAME]
    folder = first.parts[0] if len(first.parts) > 1 else first.name
    return f"{folder[:LONGEST_NAME]} ({len(paths):,} files)"


def _actor() -> str:
    return str(current_user.account.name)
