-- name: pgvector_version
-- Version of the extension where it is installed in this database.
SELECT extversion FROM pg_extension WHERE extname = 'vector'

-- name: live_products
-- Products in the shop, and those of them that no words can find.
SELECT count(*), count(*) FILTER (WHERE embedding IS NULL) FROM product WHERE status = 'live'

-- name: broken_indexes
-- Indexes of the catalogue's tables that an interrupted CREATE INDEX CONCURRENTLY left behind. Those of an activation
-- are its own affair: it builds them, or mends them when it goes on.
SELECT indexrelid::regclass::text FROM pg_index
WHERE NOT indisvalid AND indrelid IN ('product'::regclass, 'image'::regclass)
  AND indexrelid::regclass::text NOT LIKE 'product_embedding_other_%'
ORDER BY 1

-- name: some_pictures
-- A sample of products and the pictures that their files should hold; a hash spreads it over the whole catalogue.
SELECT p.sku, image.sha256, image.media_type
FROM product AS p JOIN image ON image.sha256 = p.image_sha256
WHERE p.status = 'live'
ORDER BY md5(p.sku)
LIMIT %(limit)s
