-- name: begin
-- What this transaction changes about products is written down under this number, by triggers.
WITH made AS (
    INSERT INTO product_change (actor, action) VALUES (%(actor)s, %(action)s) RETURNING id
)
SELECT id, set_config('vitrine.change', id::text, true) FROM made

-- name: end
-- One that changed nothing is none; and what the transaction changes from here on belongs to no change.
WITH nothing AS (
    DELETE FROM product_change AS c
    WHERE c.id = %(change)s AND NOT EXISTS (SELECT FROM product_history AS h WHERE h.change = c.id)
)
SELECT set_config('vitrine.change', '', true)

-- name: of_product
-- What was done to a product, newest first.
SELECT c.id, c.at, c.actor, c.action, h.before, h.after, c.undone_by,
       (SELECT count(*) FROM product_history AS o WHERE o.change = c.id)
FROM product_history AS h JOIN product_change AS c ON c.id = h.change
WHERE h.sku = %(sku)s
ORDER BY c.id DESC
LIMIT %(limit)s

-- name: changed_by
-- Who made a product what it is: by the newest change that is written down, if nothing came behind it that is not. One
-- of its pictures alone leaves the row as it is.
-- With a column: that one alone.
SELECT c.actor
FROM product_history AS h
JOIN product_change AS c ON c.id = h.change
JOIN product AS p ON p.sku = h.sku
WHERE h.sku = %(sku)s
  AND CASE WHEN %(column)s::text IS NULL THEN c.at >= p.updated_at
           ELSE h.after ? %(column)s AND h.after -> %(column)s IS NOT DISTINCT FROM
                jsonb_build_object('title', p.title, 'category', p.category, 'price', p.price, 'stock', p.stock,
                                   'status', p.status) -> %(column)s END
ORDER BY c.id DESC
LIMIT 1

-- name: newest
-- The newest changes that did something, with how many products each one touched, what it did to one of them, and
-- whether there is something to put back: what is deleted is gone, and another SKU is given back by giving it.
SELECT c.id, c.at, c.actor, c.action, c.undone_by,
       (SELECT count(*) FROM product_history AS h WHERE h.change = c.id), first.sku, first.before, first.after,
       EXISTS (SELECT FROM product_history AS h WHERE h.change = c.id AND h.after IS NOT NULL AND NOT h.after ? 'sku')
FROM product_change AS c
CROSS JOIN LATERAL (SELECT h.sku, h.before, h.after FROM product_history AS h
                    WHERE h.change = c.id ORDER BY h.sku LIMIT 1) AS first
ORDER BY c.id DESC
LIMIT %(limit)s

-- name: lock
-- A change that is to be undone; nobody else undoes it meanwhile.
SELECT action, undone_by FROM product_change WHERE id = %(change)s FOR UPDATE

-- name: parts
-- What it did, which pictures there are now, and whether it made them so: if not, they were changed again by somebody.
SELECT h.sku, h.before, h.after, now.pictures,
       p.sku IS NOT NULL AND CASE
           WHEN h.after ? 'pictures' THEN h.after -> 'pictures' = now.pictures
           ELSE p.image_sha256 IS NOT DISTINCT FROM (h.after ->> 'image_sha256') END
FROM product_history AS h LEFT JOIN product AS p ON p.sku = h.sku
LEFT JOIN LATERAL product_pictures(p.sku, p.image_sha256) AS now (pictures)
     ON h.before ? 'pictures' OR h.before ? 'image_sha256'
WHERE h.change = %(change)s
ORDER BY h.sku

-- name: undo
-- Puts back the columns whose value is still what this change made of it. A product that the change made goes into the
-- trash. Pictures are not put back here: their vectors would be of others. Tells whether all else could be.
WITH wanted AS (
    SELECT h.sku, COALESCE(h.before, '{"status": "trash"}') - '{image_sha256,pictures}'::text[] AS before,
           COALESCE(h.after, '{}') AS after
    FROM product_history AS h
    WHERE h.change = %(change)s AND h.after IS NOT NULL AND NOT h.after ? 'sku'
), standing AS (
    SELECT w.sku, w.before,
           (SELECT COALESCE(jsonb_object_agg(b.key, b.value), '{}')
            FROM jsonb_each(w.before) AS b
            WHERE w.after -> b.key IS NOT DISTINCT FROM to_jsonb(p.*) -> b.key) AS back
    FROM wanted AS w
    JOIN LATERAL (SELECT q.title, q.description, q.brand, q.category, q.price, q.sale_price, q.currency, q.stock,
                         q.attributes, q.status, q.item_group
                  FROM product AS q WHERE q.sku = w.sku) AS p ON true
), prices AS (
    SELECT s.sku, s.before, s.back, CASE WHEN s.back ? 'price' THEN (s.back ->> 'price')::numeric ELSE p.price END AS price,
           CASE WHEN s.back ? 'sale_price' THEN (s.back ->> 'sale_price')::numeric ELSE p.sale_price END AS sale_price
    FROM standing AS s JOIN product AS p USING (sku)
    WHERE s.back <> '{}'
), fitting AS (
    -- A sale that began meanwhile may be dearer than the price that was: such a product stays as it is.
    SELECT sku, back, back = before AS is_all FROM prices WHERE sale_price IS NULL OR sale_price <= price
)
UPDATE product AS p
SET title = COALESCE(s.back ->> 'title', p.title),
    description = COALESCE(s.back ->> 'description', p.description),
    brand = CASE WHEN s.back ? 'brand' THEN s.back ->> 'brand' ELSE p.brand END,
    category = CASE WHEN s.back ? 'category' THEN s.back ->> 'category' ELSE p.category END,
    price = CASE WHEN s.back ? 'price' THEN (s.back ->> 'price')::numeric ELSE p.price END,
    sale_price = CASE WHEN s.back ? 'sale_price' THEN (s.back ->> 'sale_price')::numeric ELSE p.sale_price END,
    currency = COALESCE(s.back ->> 'currency', p.currency),
    stock = CASE WHEN s.back ? 'stock' THEN (s.back ->> 'stock')::integer ELSE p.stock END,
    attributes = COALESCE(s.back -> 'attributes', p.attributes),
    status = COALESCE(s.back ->> 'status', p.status),
    left_feed_at = CASE WHEN s.back ? 'status' THEN NULL ELSE p.left_feed_at END,
    item_group = CASE WHEN s.back ? 'item_group' THEN s.back ->> 'item_group' ELSE p.item_group END,
    updated_at = now()
FROM fitting AS s
WHERE p.sku = s.sku
RETURNING p.sku, s.is_all

-- name: lock_products
-- In SKU order, as imports lock them, so that neither waits for the other in a circle.
SELECT FROM product
WHERE sku IN (SELECT h.sku FROM product_history AS h WHERE h.change = %(change)s)
ORDER BY sku FOR NO KEY UPDATE

-- name: mark_undone
-- It is undone by another change.
UPDATE product_change SET undone_by = %(by)s WHERE id = %(change)s

-- name: rename
-- What was done under the old SKU belongs to the new one, but where the same change did something to both.
UPDATE product_history AS h SET sku = %(new)s
WHERE h.sku = %(old)s
  AND NOT EXISTS (SELECT FROM product_history AS o WHERE o.change = h.change AND o.sku = %(new)s)

-- name: renamed
-- The change of the SKU itself.
INSERT INTO product_history (change, sku, before, after)
VALUES (%(change)s, %(new)s, jsonb_build_object('sku', %(old)s::text), jsonb_build_object('sku', %(new)s::text))
ON CONFLICT DO NOTHING

-- name: forget
-- Changes that are older than so many days.
DELETE FROM product_change WHERE at < now() - make_interval(days => %(days)s)
