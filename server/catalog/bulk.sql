-- name: set_status
-- Into the shop, out of it, into the trash. Whether it was a feed that hid them is over.
UPDATE product SET status = %(status)s, left_feed_at = NULL, updated_at = now()
WHERE sku = ANY (%(skus)s) AND (status <> %(status)s OR left_feed_at IS NOT NULL)
RETURNING sku

-- name: lock
-- In SKU order, as imports lock them, so that neither waits for the other in a circle.
SELECT FROM product WHERE sku = ANY (%(skus)s) ORDER BY sku FOR NO KEY UPDATE

-- name: put_back
-- Out of the trash, as it was before it came there; a draft where nobody knows.
UPDATE product AS p
SET updated_at = now(),
    status = COALESCE((SELECT h.before ->> 'status' FROM product_history AS h
                       WHERE h.sku = p.sku AND h.after ->> 'status' = 'trash' AND h.before ->> 'status' <> 'trash'
                       ORDER BY h.change DESC LIMIT 1), 'draft')
WHERE p.sku = ANY (%(skus)s) AND p.status = 'trash'
RETURNING sku

-- name: set_category
-- Another place in the category tree, or none.
UPDATE product SET category = %(category)s, updated_at = now()
WHERE sku = ANY (%(skus)s) AND category IS DISTINCT FROM %(category)s
RETURNING sku

-- name: set_stock
-- So many pieces, or not counted.
UPDATE product SET stock = %(stock)s, updated_at = now()
WHERE sku = ANY (%(skus)s) AND stock IS DISTINCT FROM %(stock)s
RETURNING sku

-- name: change_price
-- By so many per cent, what they cost now too. Products without a price stay without one.
UPDATE product
SET price = round(price * (100 + %(per_cent)s::numeric) / 100, 2),
    sale_price = round(sale_price * (100 + %(per_cent)s::numeric) / 100, 2), updated_at = now()
WHERE sku = ANY (%(skus)s) AND price IS NOT NULL AND %(per_cent)s::numeric <> 0
RETURNING sku

-- name: set_sale
-- So many per cent off the price; 0 ends the sale.
UPDATE product
SET sale_price = CASE WHEN %(per_cent)s::numeric = 0 THEN NULL
                      ELSE round(price * (100 - %(per_cent)s::numeric) / 100, 2) END,
    updated_at = now()
WHERE sku = ANY (%(skus)s) AND price IS NOT NULL
  AND sale_price IS DISTINCT FROM CASE WHEN %(per_cent)s::numeric <> 0
                                       THEN round(price * (100 - %(per_cent)s::numeric) / 100, 2) END
RETURNING sku

-- name: delete_trash
-- For good. Only what is in the trash.
DELETE FROM product WHERE sku = ANY (%(skus)s) AND status = 'trash' RETURNING sku

-- name: old_trash
-- What has been there for so many days.
SELECT sku FROM product WHERE status = 'trash' AND updated_at < now() - make_interval(days => %(days)s)
ORDER BY sku LIMIT %(most)s
