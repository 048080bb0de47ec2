"""Pictures of products as they were before a change, put back with the vectors that belong to them."""

from collections.abc import Mapping

from server.catalog.gallery import read_gallery, read_picture
from server.catalog.history import FormerPictures
from server.catalog.image_store import ImageStore
from server.catalog.product import ProductPatch
from server.catalog.products import Catalog
from server.catalog.version import version_of
from server.db.engine import Database
from server.errors import ChangedMeanwhile, VitrineError


def put_back(
    catalog: Catalog, database: Database, images: ImageStore, former: Mapping[str, FormerPictures]
) -> list[str]:
    """Put back each product's pictures, the first one embedded anew; SKUs where that failed.

    catalog: acting as whoever undoes. The others have their vectors from the worker, as behind a form.
    """
    failed = []
    for sku, pictures in former.items():
        try:
            _put_back(catalog, database, images, sku, pictures)
        except VitrineError:
            # Somebody was quicker, or a picture is not stored any more.
            failed.append(sku)
    return failed


def _put_back(catalog: Catalog, database: Database, images: ImageStore, sku: str, former: FormerPictures) -> None:
    product = catalog.get(sku)
    first = None
    with database.connection() as connection:
        now = [(shown.sha256, shown.alt) for shown in read_gallery(connection, sku)]
        if now != former.after:
            raise ChangedMeanwhile(f"The pictures of {sku} are others by now.")
        if former.has_first and former.before[0][0] != product.image_sha256:
            first = read_picture(connection, former.before[0][0], images)
    version = version_of(product, now)
    catalog.edit(
        sku, ProductPatch(), first, version=version, pictures=former.before, drops_picture=not former.has_first
    )
