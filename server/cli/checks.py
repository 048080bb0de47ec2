"""What `vitrine doctor` looks at. Each check answers with one line: what was found, or what to do about it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from PIL import Image

from server.activation.progress import read_progress, tell_progress
from server.catalog.active_model import check_dimension, read_active_model
from server.catalog.image_store import ImageStore
from server.cli.patient import Doubtful, Finding, NotReached, Patient, Status, Unwell
from server.cli.serve import other_model_sentence
from server.db import migrate
from server.db.engine import CONNECT_SECONDS, check_versions, open_database, translated_errors
from server.db.named_sql import load
from server.db.tuning import SHARED_MEMORY
from server.embedding.current import installed_names, load_model
from server.embedding.registry import load_encoder
from server.errors import DatabaseUnavailable, NotFound, VitrineError

GB = 1_000_000_000
LEAST_FREE_DISK = 1 * GB
# A parallel index build of the embedded server keeps its memory there; Docker's default of 64 MB is too little.
LEAST_SHARED_MEMORY = 256_000_000
# Pictures whose files are looked for: enough to notice a lost folder, few enough for a slow disk.
PICTURE_SAMPLE = 500

SQL = load(__file__, "checks.sql")


def examine(patient: Patient) -> Iterator[Finding]:
    """Run all checks, in the order in which one builds upon another."""
    for name, check in CHECKS.items():
        try:
            yield Finding(name, Status.OK, check(patient))
        except NotReached as exc:
            yield Finding(name, Status.SKIPPED, f"Not looked at, because {exc}.")
        except Doubtful as exc:
            yield Finding(name, Status.WARNING, exc.message)
        except VitrineError as exc:
            yield Finding(name, Status.FAILED, exc.message)
        except OSError as exc:
            yield Finding(name, Status.FAILED, f"{exc.strerror or exc}: {exc.filename or 'no file named'}.")


def check_data_dir(patient: Patient) -> str:
    folder = patient.settings.data_dir
    _check_writable(folder, "VITRINE_DATA_DIR")
    _ = patient.settings.secret_key  # made on first use; a damaged one is refused
    return f"{folder} can be written, and the secret key is sound."


def check_database(patient: Patient) -> str:
    settings = patient.settings
    patient.database = open_database(settings)
    try:
        patient.connection = psycopg.connect(patient.database.url, connect_timeout=CONNECT_SECONDS, autocommit=True)
    except psycopg.Error as exc:
        reason = str(exc).strip().splitlines()[0] if str(exc).strip() else "no answer"
        raise DatabaseUnavailable(f"The database does not answer. Check DATABASE_URL. ({reason})") from exc
    info = patient.connection.info
    if patient.database.embedded is not None:
        return f"The embedded Postgres in {patient.database.embedded.cluster} answers."
    return f"{info.dbname} at {info.host}:{info.port} answers."


def check_server_versions(patient: Patient) -> str:
    connection = patient.reached
    with translated_errors():
        check_versions(connection)
        row = connection.execute(SQL["pgvector_version"]).fetchone()
    version = connection.info.server_version
    pgvector = f"pgvector {row[0]}" if row else "pgvector at hand"
    return f"PostgreSQL {version // 10_000}.{version % 10_000}, {pgvector}."


def check_schema(patient: Patient) -> str:
    _ = patient.reached
    assert patient.database is not None  # noqa: S101  (there is no connection without it)
    state = migrate.status(patient.database)
    if not state.is_current:
        raise Unwell(f"At revision {state.current or 'none'}, newest is {state.newest}. Run `vitrine db upgrade`.")
    patient.schema_is_current = True
    return f"At revision {state.current}, the newest."


def check_model_files(patient: Patient) -> str:
    if patient.schema_is_current:
        with translated_errors():
            found = read_active_model(patient.reached)
        patient.active = None if found is None else found[1]
    # Opening a tower compares its file with the digest in the manifest.
    encoder = load_encoder(patient.settings) if patient.active is None else load_model(patient.settings, patient.active)
    encoder.load_text()
    encoder.load_image()
    patient.encoder = encoder
    manifest = encoder.manifest
    return (
        f"{manifest.name} {manifest.revision}, {manifest.precision}, {manifest.dimension} numbers; digests are right."
    )


def check_towers(patient: Patient) -> str:
    manifest = patient.manifest
    assert patient.encoder is not None  # noqa: S101  (there is no manifest without it)
    side = manifest.image.size
    patient.encoder.embed_text("a blue shirt")
    patient.encoder.embed_image(Image.new("RGB", (side, side), "blue"))
    return f"Both towers run on {patient.encoder.execution_provider} and give unit vectors."


def check_catalogue_model(patient: Patient) -> str:
    connection, manifest = patient.filled, patient.manifest
    with translated_errors():
        if patient.active is None:
            check_dimension(connection, manifest)
            return "Nothing is embedded yet."
    said = other_model_sentence(patient.settings, patient.active)
    if said is not None:
        raise Doubtful(said)
    return f"{patient.active.name} ({patient.active.revision}) is active, and installed here."


def check_embeddings(patient: Patient) -> str:
    connection = patient.filled
    with translated_errors():
        row = connection.execute(SQL["live_products"]).fetchone()
        broken = connection.execute(SQL["broken_indexes"]).fetchall()
    if broken:
        names = ", ".join(str(name) for (name,) in broken)
        raise Unwell(f"Indexes that are not valid: {names}. Run REINDEX INDEX CONCURRENTLY on each.")
    live, without = (int(row[0]), int(row[1])) if row else (0, 0)
    if without:
        raise Unwell(
            f"{without:,} of {live:,} live products have no embedding, so no words find them. Import them again."
        )
    return f"All {live:,} live products have one." if live else "There are no live products yet."


def check_activation(patient: Patient) -> str:
    with translated_errors():
        progress = read_progress(patient.filled)
        if progress is None or progress.is_over:
            return "The model is not being changed."
        said = tell_progress(patient.filled, progress, installed_names(patient.settings))
    if not progress.running:
        raise Doubtful(said)
    return said


def check_image_store(patient: Patient) -> str:
    folder = patient.settings.image_dir
    _check_writable(folder, "VITRINE_DATA_DIR")
    return f"{folder} can be written."


def check_pictures(patient: Patient) -> str:
    store = ImageStore(patient.settings.image_dir)
    with translated_errors():
        rows = patient.filled.execute(SQL["some_pictures"], {"limit": PICTURE_SAMPLE}).fetchall()
    lost = [sku for sku, sha256, media_type in rows if not _is_stored(store, sha256, media_type)]
    if lost:
        raise Unwell(
            f"{len(lost):,} of {len(rows):,} products looked at have lost their picture's file ({', '.join(lost[:3])}"
            f"{', ...' if len(lost) > 3 else ''}). Restore {store.folder} from a backup, or import them again."
        )
    return f"{len(rows):,} products looked at, every picture's file is there."


def check_disk(patient: Patient) -> str:
    folder = _nearest_existing(patient.settings.data_dir)
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_DISK:
        raise Doubtful(f"Only {free / GB:.1f} GB are free at {folder}. An import and its index may need more.")
    return f"{free / GB:.1f} GB are free at {folder}."


def check_shared_memory(patient: Patient) -> str:
    if patient.database is None or patient.database.embedded is None:
        raise NotReached("the database runs elsewhere; give its container a shm_size of 1 GB")
    if not SHARED_MEMORY.is_dir():
        return f"This system has no {SHARED_MEMORY} and needs none."
    free = shutil.disk_usage(SHARED_MEMORY).free
    if free < LEAST_SHARED_MEMORY:
        raise Doubtful(
            f"Only {free // 1_000_000} MB are free in {SHARED_MEMORY}, so indexes are built slowly. In a container, "
            "set --shm-size=1g."
        )
    return f"{free // 1_000_000:,} MB are free in {SHARED_MEMORY}."


CHECKS: dict[str, Callable[[Patient], str]] = {
    "data directory": check_data_dir,
    "database": check_database,
    "versions": check_server_versions,
    "schema": check_schema,
    "model files": check_model_files,
    "model runs": check_towers,
    "catalogue's model": check_catalogue_model,
    "embeddings": check_embeddings,
    "activation": check_activation,
    "image store": check_image_store,
    "pictures": check_pictures,
    "free disk": check_disk,
    "shared memory": check_shared_memory,
}


def _check_writable(folder: Path, setting: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            pass
    except OSError as exc:
        who = f"user {os.geteuid()}" if hasattr(os, "geteuid") else "this user"
        raise Unwell(f"{folder} cannot be written by {who} ({exc.strerror}). Change its owner or {setting}.") from exc


def _nearest_existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _is_stored(store: ImageStore, sha256: str, media_type: str) -> bool:
    try:
        return store.path(sha256, media_type).stat().st_size > 0
    except NotFound:
        return False
