"""Everything that a running Vitrine shares, wired once: by the app factory, by each command, by tests."""

from dataclasses import dataclass

from server.catalog.active_model import find_active_model
from server.catalog.image_store import ImageStore
from server.catalog.products import Catalog
from server.db.engine import Database, open_database
from server.embedding.current import CurrentEncoder, current_encoder
from server.embedding.encoder import Encoder
from server.events.log import EventLog
from server.search.query_embeddings import QueryEmbeddings
from server.search.service import SearchService
from server.settings import Settings
from server.staff.key_uses import KeyUses


@dataclass(frozen=True)
class Services:
    """The parts and their settings. `close()` lets go of the database."""

    settings: Settings
    database: Database
    current: CurrentEncoder
    images: ImageStore
    catalog: Catalog
    search: SearchService
    query_embeddings: QueryEmbeddings
    events: EventLog
    key_uses: KeyUses

    @property
    def encoder(self) -> Encoder:
        """The model in use now; `vitrine models activate` may change it at any moment."""
        return self.current.get().encoder

    def close(self) -> None:
        """Close connections; the embedded Postgres stops when its last user closes."""
        self.database.close()


def open_services(settings: Settings, database: Database | None = None, encoder: Encoder | None = None) -> Services:
    """Wire the parts. Starts the embedded Postgres if it is the one to use; models load on first use.

    encoder: the only model there is, for tests; without it, the model of the database.
    """
    database = database or open_database(settings)
    kept = QueryEmbeddings(database)
    if encoder is not None:
        current = CurrentEncoder.of(encoder, settings.query_cache)
    else:
        current = current_encoder(settings, lambda: find_active_model(database), kept)
    images = ImageStore(settings.image_dir)
    catalog = Catalog(database, current, images, settings)
    search = SearchService(database, current, settings.secret_key, settings.fixed_currency)
    events = EventLog(database, settings.search_events_days)
    key_uses = KeyUses(database)
    return Services(settings, database, current, images, catalog, search, kept, events, key_uses)


def open_current(settings: Settings, database: Database) -> CurrentEncoder:
    """The model of the database, or that of the settings where it has none yet. Opened on first use."""
    return current_encoder(settings, lambda: find_active_model(database))
