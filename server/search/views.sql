-- name: views_total
-- How many vectors further pictures have, of all models, at the last ANALYZE; before the first, whether there are many.
SELECT CASE WHEN reltuples >= 0 THEN reltuples::bigint
            ELSE (SELECT count(*) FROM (SELECT FROM picture_embedding LIMIT 10000) AS first_few) END
FROM pg_class WHERE oid = 'picture_embedding'::regclass

-- name: views_model
-- Key and dimension of the model that ranks. Behind the lock of the search's beginning it stays.
SELECT id, dimension FROM embedding_model WHERE state = 'active'

-- name: views_exact
-- Products that pass the filter by their nearest further picture, all of these ranked.
SELECT v.sku, min((v.embedding::halfvec({dimension}) <=> %(vector)b) + 0) AS distance
FROM {rows}
JOIN picture_embedding AS v ON v.sku = f.sku
WHERE v.model = {model} AND {narrow}
  AND (%(bound)s::float8 IS NULL OR (v.embedding::halfvec({dimension}) <=> %(vector)b) + 0 <= %(bound)s)
GROUP BY v.sku
ORDER BY distance, v.sku
LIMIT %(limit)s

-- name: views_walk
-- The nearest further pictures of such products, by a walk of the model's index. A subquery a candidate, so that the index goes on leading.
SELECT v.sku, v.embedding::halfvec({dimension}) <=> %(vector)b AS distance
FROM picture_embedding AS v
WHERE v.model = {model} AND (SELECT true FROM {rows} WHERE f.sku = v.sku AND {narrow})
ORDER BY v.embedding::halfvec({dimension}) <=> %(vector)b
LIMIT %(limit)s

-- name: views_of
-- The nearest further picture of each of these products.
SELECT v.sku, min(v.embedding::halfvec({dimension}) <=> %(vector)b)
FROM picture_embedding AS v
WHERE v.model = {model} AND v.sku = ANY (%(skus)s)
GROUP BY v.sku

-- name: views_shown
-- The same with the picture, for a page.
SELECT DISTINCT ON (v.sku) v.sku, v.embedding::halfvec({dimension}) <=> %(vector)b AS distance, v.sha256, i.media_type,
       g.alt
FROM picture_embedding AS v
JOIN product_picture AS g ON g.sku = v.sku AND g.sha256 = v.sha256
JOIN product AS p ON p.sku = v.sku
JOIN image AS i ON i.sha256 = v.sha256
WHERE v.model = {model} AND v.sku = ANY (%(skus)s) AND v.sha256 IS DISTINCT FROM p.image_sha256
ORDER BY v.sku, distance, v.sha256
