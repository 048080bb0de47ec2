"""Draw a catalogue in two dimensions: what looks alike lies together, coloured by category, some pictures as points.

    pip install 'vitrine[analysis]'
    vitrine sql install
    python examples/catalogue_map.py map.png [--images DATA_DIR/images] [--pictures 150] [--query "striped blue shirt"]

It connects as the analyst, by what `vitrine sql dsn` tells, and reads the views of docs/sql.md. The plane is that of
the two directions in which the looks differ most (principal components). With --query, the products that
search_products finds for these words are ringed.
"""

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import sqlalchemy
from numpy.typing import NDArray
from PIL import Image

PRODUCTS = """
SELECT p.sku, p.title, p.department, i.file, p.embedding::vector::real[] AS look
FROM products AS p LEFT JOIN images AS i ON i.sha256 = p.image_sha256
WHERE p.embedding IS NOT NULL
ORDER BY p.sku
"""
FOUND = "SELECT sku FROM search_products(%(query)s, k => 24)"
THUMBNAIL = 26
OTHERS = "other"
MOST_COLOURS = 9


def connect() -> sqlalchemy.Engine:
    """The database, as the analyst."""
    told = subprocess.run(["vitrine", "sql", "dsn", "--json"], check=True, capture_output=True, text=True).stdout
    return sqlalchemy.create_engine(json.loads(told)["sqlalchemy_url"])


def in_the_plane(looks: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, dimension) -> (n, 2): the first two principal components."""
    centred = looks - looks.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    plane: NDArray[np.float32] = centred @ directions[:2].T
    return plane


def spread_out(plane: NDArray[np.float32], number: int) -> list[int]:
    """Rows that lie apart from one another: each the farthest from those before it."""
    chosen = [0]
    distance = np.linalg.norm(plane - plane[0], axis=1)
    while len(chosen) < min(number, len(plane)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(plane - plane[chosen[-1]], axis=1))
    return chosen


def draw(products: pd.DataFrame, found: set[str], pictures: int, image_dir: Path, path: Path) -> None:
    """Write the map to `path`."""
    mpl.use("Agg")
    from matplotlib import pyplot
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    plane = in_the_plane(np.stack([np.asarray(look, np.float32) for look in products["look"]]))
    common = products["department"].value_counts().index[:MOST_COLOURS]
    departments = products["department"].where(products["department"].isin(common), OTHERS)
    figure, axes = pyplot.subplots(figsize=(14, 10), layout="constrained")
    for name, rows in products.groupby(departments).indices.items():
        axes.scatter(*plane[rows].T, s=9, alpha=0.6, label=f"{name} ({len(rows):,})", zorder=1)
    for row in spread_out(plane, pictures) if pictures else []:
        file = products["file"].iloc[row]
        if file is None or not (image_dir / file).is_file():
            continue
        with Image.open(image_dir / file) as image:
            image.thumbnail((THUMBNAIL, THUMBNAIL))
            box: Any = OffsetImage(np.asarray(image.convert("RGB")))
        axes.add_artist(AnnotationBbox(box, tuple(plane[row]), frameon=False, zorder=2))
    ringed = products["sku"].isin(found).to_numpy()
    if ringed.any():
        axes.scatter(*plane[ringed].T, s=160, facecolors="none", edgecolors="black", label="found", zorder=3)
    axes.set(title=f"{len(products):,} products by their look", xticks=[], yticks=[])
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--pictures", type=int, default=150, help="Pictures to show as points.")
    parser.add_argument(
        "--images", type=Path, help="Folder of the shop's pictures: DATA_DIR/images. Absent: none shown."
    )
    parser.add_argument("--query", help="Ring what is found by these words.")
    given = parser.parse_args()
    if given.images is not None and not given.images.is_dir():
        parser.error(f"there is no folder {given.images}; `vitrine doctor` tells where the data directory is")
    if not given.file.absolute().parent.is_dir():
        parser.error(f"there is no folder {given.file.absolute().parent} to write the map into")
    if given.query is not None and not given.query.strip():
        parser.error("--query has no words")
    engine = connect()
    products = pd.read_sql(PRODUCTS, engine)
    found = set() if given.query is None else set(pd.read_sql(FOUND, engine, params={"query": given.query})["sku"])
    draw(products, found, given.pictures if given.images else 0, given.images or Path(), given.file)


if __name__ == "__main__":
    main()
