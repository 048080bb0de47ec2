-- name: coverage
-- How many live products have a vector of what they are now.
SELECT live, covered, without_vector, outdated FROM embedding_coverage()

-- name: pictures
-- How many further pictures products have, and how many of these lack one.
SELECT (SELECT count(*) FROM product_picture AS g JOIN product AS p ON p.sku = g.sku
        WHERE g.place > 0 AND g.sha256 IS DISTINCT FROM p.image_sha256),
       (SELECT count(*) FROM picture_gaps())

-- name: gaps
-- The next products that lack one, in SKU order.
SELECT sku, reason FROM embedding_gaps() WHERE sku > %(after)s ORDER BY sku LIMIT %(limit)s

-- name: still
-- Which of these lack one.
SELECT sku FROM embedding_gaps() WHERE sku = ANY (%(skus)s)
