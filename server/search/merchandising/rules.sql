-- name: active
-- Rules that hold now, for processes that remember them for some seconds.
SELECT id, kind, query, whole, sku, brand, category, place, points, target
FROM search_rule
WHERE enabled AND (starts_at IS NULL OR starts_at <= now()) AND (ends_at IS NULL OR ends_at > now())
ORDER BY place, id

-- name: all
-- All of them, as staff see them.
SELECT r.id, r.kind, r.query, r.whole, r.sku, r.brand, r.category, r.place, r.points, r.target, r.starts_at, r.ends_at,
       r.enabled, r.made_by, r.made_at, p.title, p.status
FROM search_rule AS r LEFT JOIN product AS p ON p.sku = r.sku
ORDER BY r.query, r.kind, r.place, r.id

-- name: one
-- One of them, for the record of what is changed.
SELECT to_jsonb(r) FROM search_rule AS r WHERE r.id = %(id)s FOR UPDATE

-- name: add
-- A rule.
INSERT INTO search_rule (kind, query, whole, sku, brand, category, place, points, target, starts_at, ends_at, made_by)
VALUES (%(kind)s, %(query)s, %(whole)s, %(sku)s, %(brand)s, %(category)s, %(place)s, %(points)s, %(target)s,
        %(starts_at)s, %(ends_at)s, %(by)s)
RETURNING id, to_jsonb(search_rule)

-- name: enable
-- Hold, or rest.
UPDATE search_rule SET enabled = %(enabled)s WHERE id = %(id)s RETURNING to_jsonb(search_rule)

-- name: delete
-- For good.
DELETE FROM search_rule WHERE id = %(id)s RETURNING id

-- name: audit
-- Who changed it.
INSERT INTO audit_entry (actor, action, subject, before, after)
VALUES (%(actor)s, %(action)s, %(subject)s, %(before)s, %(after)s)

-- name: sku_is_there
-- Whether there is such a product.
SELECT EXISTS (SELECT FROM product WHERE sku = %(sku)s)

-- name: boosted
-- Which of these products are of a brand, or in a category or below it.
SELECT s.sku FROM product_search AS s
WHERE s.sku = ANY (%(skus)s)
  AND (%(brand)s::text IS NULL OR s.brand = %(brand)s)
  AND (%(category)s::text IS NULL OR s.category = %(category)s OR starts_with(s.category, %(category)s || '/'))

-- name: lock
-- Whoever makes rules waits for whoever does so already; searches read them all the same.
LOCK TABLE search_rule IN SHARE ROW EXCLUSIVE MODE

-- name: another
-- A rule for the same query that holds at some time when the new one does, and does the same or stands at its place.
SELECT sku, enabled FROM search_rule
WHERE query = %(query)s AND whole = %(whole)s AND kind = %(kind)s
  AND (ends_at IS NULL OR ends_at > GREATEST(now(), %(starts_at)s::timestamptz))
  AND (%(ends_at)s::timestamptz IS NULL OR %(ends_at)s > GREATEST(now(), starts_at))
  AND CASE kind WHEN 'pin' THEN place = %(place)s OR sku = %(sku)s
                WHEN 'redirect' THEN true
                ELSE (sku, brand, category) IS NOT DISTINCT FROM (%(sku)s::text, %(brand)s::text, %(category)s::text) END
ORDER BY sku = %(sku)s DESC, id LIMIT 1
