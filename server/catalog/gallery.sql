-- name: pictures
-- All pictures of a product: the one that it is found by first, then the others in their order.
SELECT i.sha256, i.media_type, i.width, i.height, COALESCE(g.alt, '')
FROM product AS p
JOIN image AS i ON i.sha256 = p.image_sha256
                OR i.sha256 IN (SELECT o.sha256 FROM product_picture AS o WHERE o.sku = p.sku AND o.place > 0)
LEFT JOIN product_picture AS g ON g.sku = p.sku AND g.sha256 = i.sha256
WHERE p.sku = %(sku)s
ORDER BY i.sha256 IS DISTINCT FROM p.image_sha256, g.place, i.sha256

-- name: clear
-- Before they are written anew.
DELETE FROM product_picture WHERE sku = %(sku)s

-- name: put
-- In their order.
INSERT INTO product_picture (sku, sha256, place, alt)
SELECT %(sku)s, g.sha256, g.place, g.alt
FROM unnest(%(sha256s)s::text[], %(places)s::smallint[], %(alts)s::text[]) AS g (sha256, place, alt)
