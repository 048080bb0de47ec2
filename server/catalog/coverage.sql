-- name: coverage
-- How many live products have a vector of what they are now; how many further pictures products have, and how many of
-- these lack one.
SELECT c.live, c.covered, c.without_vector, c.outdated,
       (SELECT count(*) FROM product_picture AS g JOIN product AS p ON p.sku = g.sku
        WHERE g.place > 0 AND g.sha256 IS DISTINCT FROM p.image_sha256),
       (SELECT count(*) FROM picture_gaps())
FROM embedding_coverage() AS c

-- name: gaps
-- The next products that lack one, in SKU order.
SELECT sku, reason FROM embedding_gaps() WHERE sku > %(after)s ORDER BY sku LIMIT %(limit)s

-- name: still
-- Which of these lack one.
SELECT sku FROM embedding_gaps() WHERE sku = ANY (%(skus)s)
