-- name: coverage
-- How many live products have a vector of what they are now.
SELECT live, covered, without_vector, outdated FROM embedding_coverage()

-- name: gaps
-- The next products that lack one, in SKU order.
SELECT sku, reason FROM embedding_gaps() WHERE sku > %(after)s ORDER BY sku LIMIT %(limit)s

-- name: still
-- Which of these lack one.
SELECT sku FROM embedding_gaps() WHERE sku = ANY (%(skus)s)
