"""Everything that a running Vitrine shares, wired once: by the app factory, by each command, by tests."""

from dataclasses import dataclass

from server.catalog.image_store import ImageStore
from server.catalog.products import Catalog
from server.db.engine import Database, open_database
from server.embedding.cache import CachedTextEncoder
from server.embedding.encoder import Encoder
from server.embedding.registry import load_encoder
from server.search.service import SearchService
from server.settings import Settings


@dataclass(frozen=True)
class Services:
    """The parts and their settings. `close()` lets go of the database."""

    settings: Settings
    database: Database
    encoder: Encoder
    images: ImageStore
    catalog: Catalog
    search: SearchService

    def close(self) -> None:
        """Close connections; the embedded Postgres stops when its last user closes."""
        self.database.close()


def open_services(settings: Settings, database: Database | None = None, encoder: Encoder | None = None) -> Services:
    """Wire the parts. Starts the embedded Postgres if it is the one to use; models load on first use."""
    database = database or open_database(settings)
    encoder = encoder or load_encoder(settings)
    images = ImageStore(settings.image_dir)
    catalog = Catalog(database, encoder, images, settings)
    queries = CachedTextEncoder(encoder, settings.query_cache)
    search = SearchService(database, encoder, settings.secret_key, settings.fixed_currency, queries.embed_query)
    return Services(settings, database, encoder, images, catalog, search)
