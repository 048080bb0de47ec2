-- name: read_stored
-- What is stored under these SKUs, without the vector: enough to say what a change has to do.
SELECT sku, item_group, title, description, brand, category, price, sale_price, currency, stock, attributes, status,
       left_feed_at, image_sha256, embedding_model, embedding_source, embedded_text
FROM product
WHERE sku = ANY (%(skus)s)

-- name: lock_stored
-- The same, locked until the transaction ends. In the order of the SKUs, so that two writers never wait for each other
-- in a circle.
SELECT sku, item_group, title, description, brand, category, price, sale_price, currency, stock, attributes, status,
       left_feed_at, image_sha256, embedding_model, embedding_source, embedded_text
FROM product
WHERE sku = ANY (%(skus)s)
ORDER BY sku
FOR NO KEY UPDATE

-- name: media_types
-- How the files of stored pictures are called.
SELECT sha256, media_type FROM image WHERE sha256 = ANY (%(sha256s)s)

-- name: insert_images
-- Records of pictures whose files are in the image store already. One that is there stays as it is; where its file was
-- lost or damaged, it is back, and the worker is to have another look. One that the worker is at now is waited for: it
-- may be about to note that the file is lost, which this statement would not see.
WITH looked_at AS (
    SELECT sha256 FROM image
    WHERE sha256 = ANY (%(sha256)s::text[]) AND (thumbnails_at IS NULL OR thumbnail_problem IS NOT NULL)
    ORDER BY sha256
    FOR NO KEY UPDATE
), back AS (
    UPDATE image SET thumbnails_at = NULL FROM looked_at WHERE image.sha256 = looked_at.sha256
)
INSERT INTO image (sha256, media_type, width, height, bytes)
SELECT *
FROM unnest(%(sha256)s::text[], %(media_type)s::text[], %(width)s::integer[], %(height)s::integer[],
            %(bytes)s::bigint[]) AS new (sha256, media_type, width, height, bytes)
ORDER BY sha256
ON CONFLICT (sha256) DO NOTHING

-- name: insert_products
-- New products, in the order of their SKUs. One that another writer has put in meanwhile is left out of the answer.
INSERT INTO product (sku, item_group, title, description, brand, category, price, sale_price, currency, stock,
                     attributes, status, left_feed_at, image_sha256, embedding, embedding_model, embedding_source,
                     embedded_text)
SELECT sku, item_group, title, description, brand, category, price, sale_price, currency, stock,
       attributes::jsonb, status, left_feed_at, image_sha256, embedding, embedding_model, embedding_source,
       embedded_text
FROM unnest(%(sku)s::text[], %(item_group)s::text[], %(title)s::text[], %(description)s::text[], %(brand)s::text[],
            %(category)s::text[], %(price)s::numeric[], %(sale_price)s::numeric[], %(currency)s::text[],
            %(stock)s::integer[], %(attributes)s::text[], %(status)s::text[], %(left_feed_at)s::timestamptz[],
            %(image_sha256)s::text[], %(embedding)b::halfvec[], %(embedding_model)s::integer[],
            %(embedding_source)s::text[], %(embedded_text)s::text[])
     AS new (sku, item_group, title, description, brand, category, price, sale_price, currency, stock, attributes,
             status, left_feed_at, image_sha256, embedding, embedding_model, embedding_source, embedded_text)
ORDER BY sku
ON CONFLICT (sku) DO NOTHING
RETURNING sku

-- name: update_products
-- Products that differ from what is stored, locked before by lock_stored. A NULL in `embedding` keeps the stored vector
-- and what belongs to it.
UPDATE product
SET item_group = new.item_group,
    title = new.title,
    description = new.description,
    brand = new.brand,
    category = new.category,
    price = new.price,
    sale_price = new.sale_price,
    currency = new.currency,
    stock = new.stock,
    attributes = new.attributes::jsonb,
    status = new.status,
    left_feed_at = new.left_feed_at,
    image_sha256 = new.image_sha256,
    embedding = COALESCE(new.embedding, product.embedding),
    embedding_model = COALESCE(new.embedding_model, product.embedding_model),
    embedding_source = COALESCE(new.embedding_source, product.embedding_source),
    embedded_text = CASE WHEN new.embedding IS NULL THEN product.embedded_text ELSE new.embedded_text END,
    updated_at = now()
FROM unnest(%(sku)s::text[], %(item_group)s::text[], %(title)s::text[], %(description)s::text[], %(brand)s::text[],
            %(category)s::text[], %(price)s::numeric[], %(sale_price)s::numeric[], %(currency)s::text[],
            %(stock)s::integer[], %(attributes)s::text[], %(status)s::text[], %(left_feed_at)s::timestamptz[],
            %(image_sha256)s::text[], %(embedding)b::halfvec[], %(embedding_model)s::integer[],
            %(embedding_source)s::text[], %(embedded_text)s::text[])
     AS new (sku, item_group, title, description, brand, category, price, sale_price, currency, stock, attributes,
             status, left_feed_at, image_sha256, embedding, embedding_model, embedding_source, embedded_text)
WHERE product.sku = new.sku

-- name: delete_product
-- For good.
DELETE FROM product WHERE sku = %(sku)s RETURNING sku

-- name: rename_product
-- What refers to it follows.
UPDATE product SET sku = %(new)s, updated_at = now() WHERE sku = %(old)s RETURNING sku

-- name: active_model
-- The model that made the embeddings. No row: nothing is embedded yet.
SELECT id, name, revision, digest FROM embedding_model WHERE state = 'active'

-- name: embedding_dimension
-- How many numbers the column takes: pgvector keeps it as the type's modifier.
SELECT atttypmod FROM pg_attribute WHERE attrelid = 'product'::regclass AND attname = 'embedding'

-- name: register_model
-- The first model of a database becomes its active one. Another writer may have been quicker with the same.
INSERT INTO embedding_model (name, revision, precision, dimension, digest, state)
VALUES (%(name)s, %(revision)s, %(precision)s, %(dimension)s, %(digest)s, 'active')
ON CONFLICT DO NOTHING

-- name: create_seen
-- The SKUs of the catalogue that this session imports, each with the row that it stood in first.
CREATE TEMPORARY TABLE seen_sku (sku text COLLATE "C" PRIMARY KEY, place text NOT NULL)

-- name: drop_seen
-- The connection goes back to the pool without them.
DROP TABLE IF EXISTS pg_temp.seen_sku

-- name: see
-- Remembers these SKUs, and tells for each one where it stood first.
WITH new AS (
    SELECT * FROM unnest(%(sku)s::text[], %(place)s::text[]) AS new (sku, place)
), added AS (
    INSERT INTO pg_temp.seen_sku SELECT sku, place FROM new ON CONFLICT (sku) DO NOTHING RETURNING sku, place
)
SELECT sku, place FROM added
UNION ALL
SELECT seen.sku, seen.place
FROM pg_temp.seen_sku AS seen JOIN new USING (sku)

-- name: count_missing
-- How many products of the shop the whole catalogue does not hold, of how many. What came after it was begun is none
-- of its business.
SELECT count(*) FILTER (WHERE NOT EXISTS (SELECT FROM pg_temp.seen_sku AS seen WHERE seen.sku = product.sku)),
       count(*)
FROM product
WHERE status = 'live' AND created_at < %(began)s

-- name: hide_missing
-- Hides some of them; called until none is left, so that no lock is held for long.
UPDATE product
SET status = 'hidden', left_feed_at = now(), updated_at = now()
WHERE sku IN (
    SELECT sku
    FROM product
    WHERE status = 'live' AND created_at < %(began)s
      AND NOT EXISTS (SELECT FROM pg_temp.seen_sku AS seen WHERE seen.sku = product.sku)
    ORDER BY sku
    LIMIT %(limit)s
    FOR NO KEY UPDATE
)
