-- name: pictures
-- All pictures of a product: the one that it is found by first, then the others in their order.
SELECT i.sha256, i.media_type, i.width, i.height, COALESCE(g.alt, '')
FROM (SELECT p.image_sha256 AS sha256, true AS is_first FROM product AS p
      WHERE p.sku = %(sku)s AND p.image_sha256 IS NOT NULL
      UNION ALL
      SELECT o.sha256, false FROM product_picture AS o JOIN product AS p ON p.sku = o.sku
      WHERE o.sku = %(sku)s AND o.place > 0 AND o.sha256 IS DISTINCT FROM p.image_sha256) AS shown
JOIN image AS i ON i.sha256 = shown.sha256
LEFT JOIN product_picture AS g ON g.sku = %(sku)s AND g.sha256 = i.sha256
ORDER BY shown.is_first DESC, g.place, i.sha256

-- name: clear
-- What is there no more. What stays keeps its vector.
DELETE FROM product_picture WHERE sku = %(sku)s AND sha256 <> ALL (%(sha256s)s::text[])

-- name: put
-- In their order.
INSERT INTO product_picture (sku, sha256, place, alt)
SELECT %(sku)s, g.sha256, g.place, g.alt
FROM unnest(%(sha256s)s::text[], %(places)s::smallint[], %(alts)s::text[]) AS g (sha256, place, alt)
ON CONFLICT (sku, sha256) DO UPDATE SET place = excluded.place, alt = excluded.alt

-- name: change_places
-- A further picture that became the first one changes places with the one that was, so that neither is lost. A picture
-- that the product did not have takes the first one's place.
WITH changed AS (
    SELECT c.sku, c.former, c.first, g.place
    FROM unnest(%(skus)s::text[], %(former)s::text[], %(first)s::text[]) AS c (sku, former, first)
    JOIN product_picture AS g ON g.sku = c.sku AND g.sha256 = c.first
    WHERE g.place > 0
)
INSERT INTO product_picture AS g (sku, sha256, place)
SELECT c.sku, c.former, c.place FROM changed AS c
UNION ALL
SELECT c.sku, c.first, 0 FROM changed AS c
ON CONFLICT (sku, sha256) DO UPDATE SET place = excluded.place
