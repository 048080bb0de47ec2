-- name: due
-- Pictures whose thumbnails nobody was at yet.
SELECT sha256, media_type, thumbnail_problem IS NOT NULL FROM image WHERE thumbnails_at IS NULL
ORDER BY sha256 LIMIT %(limit)s

-- name: one
-- The same of one picture.
SELECT sha256, media_type, thumbnail_problem IS NOT NULL FROM image WHERE sha256 = %(sha256)s

-- name: lock
-- Nobody tells that these are back, or gone, until the transaction ends. In one order, as whoever stores pictures locks
-- them, so that neither waits for the other in a circle.
SELECT FROM image WHERE sha256 = ANY (%(sha256)s) ORDER BY sha256 FOR NO KEY UPDATE

-- name: done
-- The worker was at these; a problem says why one has none.
UPDATE image SET thumbnails_at = now(), thumbnail_problem = new.problem
FROM unnest(%(sha256)s::text[], %(problem)s::text[]) AS new (sha256, problem)
WHERE image.sha256 = new.sha256

-- name: products
-- Products that show a picture.
SELECT sku FROM product WHERE image_sha256 = %(sha256)s
UNION
SELECT sku FROM product_picture WHERE sha256 = %(sha256)s
ORDER BY 1
LIMIT %(limit)s

-- name: known
-- Which of these pictures there are.
SELECT sha256 FROM image WHERE sha256 = ANY (%(sha256)s)

-- name: is_importing
-- Whether a worker is at an import, which needs the cores more.
SELECT EXISTS (SELECT FROM import_run WHERE state = 'running')
