-- name: try_lock
-- One refresh at a time. The lock is the session's: it is gone however the process ends.
SELECT pg_try_advisory_lock(%(key)s)

-- name: unlock
-- The next one may begin.
SELECT pg_advisory_unlock(%(key)s)

-- name: newest
-- The active model, its newest axes, for how many products they were made, whether all are sketched by them, how many
-- there are, and whether they have all the axes that they may have.
SELECT m.id, b.id, b.products, b.ready, (SELECT count(*) FROM product_search),
       (SELECT count(*) FROM embedding_axis WHERE basis = b.id) >= LEAST(m.dimension, %(axes)s)
FROM embedding_model AS m
LEFT JOIN LATERAL (SELECT * FROM embedding_basis WHERE model = m.id ORDER BY id DESC LIMIT 1) AS b ON true
WHERE m.state = 'active'

-- name: sample
-- Embeddings of some pages of the table, share in per cent.
SELECT embedding::halfvec FROM product TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)
WHERE status = 'live' AND embedding IS NOT NULL AND embedding_model = %(model)s
LIMIT %(limit)s

-- name: insert_basis
-- New axes begin: rows written from now on are sketched by them.
INSERT INTO embedding_basis (model, center, variance, products)
VALUES (%(model)s, %(center)s, %(variance)s, %(products)s)
RETURNING id

-- name: insert_axes
-- The axes, the first one that along which embeddings differ most.
INSERT INTO embedding_axis (basis, position, axis, shift, variance)
SELECT %(basis)s, n, axis, shift, variance
FROM unnest(%(axis)s::halfvec[], %(shift)s::real[], %(variance)s::float8[]) WITH ORDINALITY AS given (axis, shift, variance, n)

-- name: fill
-- Sketches of the next rows that have none by these axes. Rows that somebody is writing are left to the next round.
WITH next AS MATERIALIZED (
    SELECT s.sku FROM product_search AS s
    WHERE s.sku > %(after)s AND s.basis IS DISTINCT FROM %(basis)s
    ORDER BY s.sku LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), made AS (
    UPDATE product_search AS s
    SET basis = %(basis)s, sketch = product_sketch(p.embedding::halfvec, %(basis)s)
    FROM next JOIN product AS p ON p.sku = next.sku
    WHERE s.sku = next.sku AND p.embedding IS NOT NULL
      AND p.embedding_model = (SELECT model FROM embedding_basis WHERE id = %(basis)s)
)
SELECT max(sku) FROM next

-- name: unsketched
-- Whether a product that has a vector lacks a sketch by these axes.
SELECT 1 FROM product_search AS s JOIN product AS p ON p.sku = s.sku
WHERE s.basis IS DISTINCT FROM %(basis)s AND p.embedding IS NOT NULL LIMIT 1

-- name: make_ready
-- From now on searches may rank by these sketches. Older axes are of no use any more.
UPDATE embedding_basis SET ready = true, products = %(products)s, made_at = now() WHERE id = %(basis)s

-- name: drop_older
-- Axes of the same model that were made before.
DELETE FROM embedding_basis WHERE model = %(model)s AND id < %(basis)s

-- name: load_basis
-- The center and the spread around it.
SELECT id, center, variance, products FROM embedding_basis WHERE id = %(basis)s

-- name: load_axes
-- The axes in order.
SELECT axis, shift, variance FROM embedding_axis WHERE basis = %(basis)s ORDER BY position

-- name: unfinished
-- What a build of an index beside another one left where it was broken off: it finds nothing, and every write pays for it.
SELECT i.indexrelid::regclass::text FROM pg_index AS i
WHERE i.indrelid = 'product_search'::regclass AND NOT i.indisvalid AND i.indexrelid::regclass::text ~ '_cc(new|old)[0-9]*$'

-- name: short_waits
-- A lock that is not to be had soon is not waited for.
SELECT set_config('lock_timeout', %(wait)s, false)
