-- name: gaps
-- The next further pictures without a vector of this model, in the order of the key, so that no batch looks again at
-- what those before it have seen; those of live products in a round before the others.
SELECT g.sku, g.sha256, i.media_type
FROM product_picture AS g
JOIN product AS p ON p.sku = g.sku
JOIN image AS i ON i.sha256 = g.sha256
WHERE (g.sku, g.sha256) > (%(sku)s, %(sha256)s)
  AND g.place > 0 AND g.sha256 IS DISTINCT FROM p.image_sha256 AND (p.status = 'live') = %(live)s
  AND NOT EXISTS (SELECT FROM picture_embedding AS e
                  WHERE e.sku = g.sku AND e.sha256 = g.sha256 AND e.model = %(model)s)
ORDER BY g.sku, g.sha256
LIMIT %(limit)s

-- name: missing
-- How many there are.
SELECT count(*)
FROM product_picture AS g
JOIN product AS p ON p.sku = g.sku
WHERE g.place > 0 AND g.sha256 IS DISTINCT FROM p.image_sha256
  AND NOT EXISTS (SELECT FROM picture_embedding AS e
                  WHERE e.sku = g.sku AND e.sha256 = g.sha256 AND e.model = %(model)s)

-- name: put
-- Vectors of pictures that are still there. Another worker may have been quicker.
INSERT INTO picture_embedding (sku, sha256, model, embedding)
SELECT new.sku, new.sha256, %(model)s, new.embedding
FROM unnest(%(skus)s::text[], %(sha256s)s::text[], %(embeddings)b::halfvec[]) AS new (sku, sha256, embedding)
JOIN product_picture AS g ON g.sku = new.sku AND g.sha256 = new.sha256
ORDER BY new.sku, new.sha256
FOR KEY SHARE OF g
ON CONFLICT DO NOTHING

-- name: index
-- Whether a model's vectors have their index, and whether it is whole.
SELECT i.indisvalid FROM pg_index AS i WHERE i.indexrelid = to_regclass(%(name)s)

-- name: try_lock
-- One at a time looks after a model's index: one that is not whole may be what somebody is just building.
SELECT pg_try_advisory_lock(%(key)s::integer, %(model)s)

-- name: unlock
-- The next one may.
SELECT pg_advisory_unlock(%(key)s::integer, %(model)s)

-- name: has_many
-- Whether writers would be kept waiting by an index that is built under a lock.
SELECT count(*) > %(few)s FROM (SELECT FROM picture_embedding WHERE model = %(model)s LIMIT %(few)s + 1) AS first_few

-- name: create_index
-- The vectors of one model, to be walked. The search's statement names model and dimension in the same way.
CREATE INDEX {beside} {name} ON picture_embedding
USING hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops) WHERE model = {model}

-- name: forgotten
-- Models whose vectors nobody will ask for again, and that have some.
SELECT m.id FROM embedding_model AS m
WHERE m.state = 'retired'
  AND (EXISTS (SELECT FROM picture_embedding AS e WHERE e.model = m.id)
       OR to_regclass('picture_embedding_hnsw_' || m.id) IS NOT NULL)

-- name: forget
-- They go.
DELETE FROM picture_embedding WHERE model = %(model)s
