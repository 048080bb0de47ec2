"""What people put together without Vitrine: sentence-transformers, a FAISS index, and a table for what a hit shows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence

import numpy as np

TOP = 10
EF_SEARCH = 100


class PeerStack:
    """In a process of its own, without HTTP in front of it. One thread each for torch and FAISS."""

    def __init__(self, checkpoint: str, vectors_file: str, url: str) -> None:
        """vectors_file: .npy of (n, dimension) unit rows, row n belonging to the SKU of that number."""
        warnings.simplefilter("ignore")
        import faiss
        import psycopg
        import torch
        import transformers
        from sentence_transformers import SentenceTransformer

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        torch.set_num_threads(1)
        began = time.perf_counter()
        self.model = SentenceTransformer(checkpoint, device="cpu")
        self.load_seconds = time.perf_counter() - began
        vectors = np.load(vectors_file)
        self.index = faiss.IndexHNSWFlat(vectors.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = 64
        self.index.add(vectors)
        self.index.hnsw.efSearch = EF_SEARCH
        faiss.omp_set_num_threads(1)
        self.connection = psycopg.connect(url, autocommit=True)

    def search(self, texts: Sequence[str]) -> list[float]:
        """Seconds of each search, from words to ten products with what a hit shows."""
        took = []
        for text in texts:
            began = time.perf_counter()
            vector = self.model.encode([text], normalize_embeddings=True, show_progress_bar=False)
            _, found = self.index.search(np.asarray(vector, np.float32), TOP)
            skus = [f"VT-{number:09d}" for number in found[0].tolist()]
            rows = self.connection.execute(
                "SELECT sku, item_group, title, brand, category, price, sale_price, currency, stock, image_sha256, "
                "created_at FROM product WHERE sku = ANY (%s)",
                [skus],
                prepare=True,
                binary=True,
            ).fetchall()
            assert len(rows) == TOP
            took.append(time.perf_counter() - began)
        return took
