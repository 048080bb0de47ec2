-- name: gaps
-- The next further pictures without a vector of this model, those of live products first.
SELECT g.sku, g.sha256, i.media_type
FROM product_picture AS g
JOIN product AS p ON p.sku = g.sku
JOIN image AS i ON i.sha256 = g.sha256
WHERE g.place > 0 AND g.sha256 IS DISTINCT FROM p.image_sha256
  AND NOT EXISTS (SELECT FROM picture_embedding AS e
                  WHERE e.sku = g.sku AND e.sha256 = g.sha256 AND e.model = %(model)s)
  AND (g.sku, g.sha256) NOT IN (SELECT * FROM unnest(%(left_skus)s::text[], %(left_sha256s)s::text[]))
ORDER BY p.status <> 'live', g.sku, g.sha256
LIMIT %(limit)s

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

-- name: create_index
-- The vectors of one model, to be walked. The search's statement names model and dimension in the same way.
CREATE INDEX CONCURRENTLY {name} ON picture_embedding
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
