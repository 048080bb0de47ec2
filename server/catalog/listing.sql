-- name: products
-- A page of the catalogue as staff see it, of whatever status. {order} is one of ORDERS in listing.py; before it stands
-- the product whose SKU is just what was typed.
SELECT sku, title, brand, category, price, sale_price, currency, stock, status, p.image_sha256, i.media_type,
       p.embedding IS NOT NULL, p.updated_at
FROM product AS p LEFT JOIN image AS i ON i.sha256 = p.image_sha256
WHERE {where}
ORDER BY lower(p.sku) = lower(%(sku_typed)s) DESC, {order}
LIMIT %(limit)s OFFSET %(offset)s

-- name: count
-- How many that are, counted up to a bound.
SELECT count(*) FROM (SELECT FROM product AS p WHERE {where} LIMIT %(most)s) AS found

-- name: skus
-- All of them, for a change of all that were found.
SELECT sku FROM product AS p WHERE {where} ORDER BY sku LIMIT %(most)s

-- name: where
-- What staff look for. A NULL asks for nothing.
p.status = ANY (%(statuses)s)
AND (%(patterns)s::text[] IS NULL
     OR NOT EXISTS (SELECT FROM unnest(%(patterns)s::text[]) AS pattern
                    WHERE NOT (p.sku ILIKE pattern OR p.title ILIKE pattern OR COALESCE(p.brand, '') ILIKE pattern)))
AND (%(category)s::text IS NULL OR lower(p.category) = lower(%(category)s)
     OR starts_with(lower(p.category), lower(%(category)s) || '/'))
AND (%(brand)s::text IS NULL OR lower(p.brand) = lower(%(brand)s))
AND (%(has_picture)s::boolean IS NULL OR (p.image_sha256 IS NOT NULL) = %(has_picture)s)
AND (%(in_stock)s::boolean IS NULL OR (p.stock IS NULL OR p.stock > 0) = %(in_stock)s)

-- name: this_one
-- One product, whose row is shown anew.
p.sku = %(sku)s

-- name: numbers
-- How many products have which status.
SELECT status, count(*) FROM product GROUP BY status
