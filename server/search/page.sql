-- name: core
-- What a candidate is scored, sorted and collapsed by. Put into the statements that select it.
p.sku, p.item_group, p.current_price, p.currency, p.created_at

-- name: columns
-- What a hit shows. Put into the statements that select it.
p.sku, p.item_group, p.title, p.brand, p.category, p.price, p.sale_price, p.currency, p.stock, p.image_sha256,
p.created_at, (SELECT image.media_type FROM image WHERE image.sha256 = p.image_sha256) AS media_type

-- name: rows
-- The products of a page, in no order.
SELECT {columns}
FROM product AS p
WHERE p.sku = ANY (%(skus)s) AND p.status = 'live'

-- name: facet_rows
-- What the products of a result are counted by. Attributes take as long as all others together.
SELECT f.sku, f.brand, f.category, f.current_price, f.currency, f.stock,
       CASE WHEN %(by_attributes)s::boolean THEN f.attributes ELSE '{}' END
FROM product_search AS f
WHERE f.sku = ANY (%(skus)s)

-- name: browse_newest
-- No query: the newest first.
SELECT {core}, NULL::float8 AS distance, NULL::float8 AS rough
FROM (
    SELECT f.sku FROM {rows}
    WHERE {narrow}
    ORDER BY f.created_at DESC, f.sku
    LIMIT %(limit)s
) AS found
JOIN product AS p ON p.sku = found.sku
ORDER BY p.created_at DESC, p.sku

-- name: browse_price_asc
-- No query: the cheapest first, products without a price behind them, and those priced in another currency than the
-- shop's last. Each part has an index that gives its order.
SELECT {core}, NULL::float8 AS distance, NULL::float8 AS rough
FROM (
    (SELECT f.sku FROM {rows}
     WHERE {narrow} AND f.currency = %(shop_currency)s
     ORDER BY f.current_price, f.sku LIMIT %(limit)s)
    UNION ALL
    (SELECT f.sku FROM {rows}
     WHERE {narrow} AND f.currency <> %(shop_currency)s
     ORDER BY f.current_price, f.sku LIMIT %(limit)s)
) AS found
JOIN product AS p ON p.sku = found.sku
ORDER BY p.currency <> %(shop_currency)s, COALESCE(p.current_price, 'Infinity'), p.sku
LIMIT %(limit)s

-- name: browse_price_desc
-- The same, the dearest first.
SELECT {core}, NULL::float8 AS distance, NULL::float8 AS rough
FROM (
    (SELECT f.sku FROM {rows}
     WHERE {narrow} AND f.currency = %(shop_currency)s AND f.current_price IS NOT NULL
     ORDER BY f.current_price DESC, f.sku LIMIT %(limit)s)
    UNION ALL
    (SELECT f.sku FROM {rows}
     WHERE {narrow} AND f.currency = %(shop_currency)s AND f.current_price IS NULL
     ORDER BY f.sku LIMIT %(limit)s)
    UNION ALL
    (SELECT f.sku FROM {rows}
     WHERE {narrow} AND f.currency <> %(shop_currency)s
     ORDER BY f.current_price DESC NULLS LAST, f.sku LIMIT %(limit)s)
) AS found
JOIN product AS p ON p.sku = found.sku
ORDER BY p.currency <> %(shop_currency)s, -COALESCE(p.current_price, -1), p.sku
LIMIT %(limit)s

-- name: product_vector
-- The embedding of one product, to search for its like, and the model that made it. Without the column's dimension in
-- its type: a prepared statement may not change its result, and the dimension changes with the model.
SELECT p.sku, p.embedding::halfvec, model.name, model.revision, model.digest
FROM product AS p
LEFT JOIN embedding_model AS model ON model.id = p.embedding_model
WHERE p.sku = ANY (%(skus)s) AND p.status = 'live' AND p.embedding IS NOT NULL

-- name: kind
-- What a product is a kind of.
SELECT category FROM product WHERE sku = %(sku)s AND status = 'live'

-- name: further_pictures
-- Whether any product has more than one picture.
SELECT EXISTS (SELECT FROM product_picture WHERE place > 0)

-- name: common_currency
-- The currency that most live products are priced in: the shop's, where no setting names it.
SELECT currency FROM product_search GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1

-- name: costs
-- What `vitrine search calibrate` measured; NULL before.
SELECT costs FROM search_settings WHERE costs IS NOT NULL

-- name: keep_costs
-- Costs of ranking on this machine, from now on.
INSERT INTO search_settings (language, costs) VALUES ('english', %(costs)s::jsonb)
ON CONFLICT ((true)) DO UPDATE SET costs = excluded.costs

-- name: some_vectors
-- Embeddings of some products, as queries to measure with.
SELECT p.embedding::halfvec FROM product AS p
WHERE p.status = 'live' AND p.embedding IS NOT NULL ORDER BY hashtext(p.sku) LIMIT %(limit)s

-- name: price_window
-- The currency of most products, and the price up to which about so many of them cost.
SELECT c.currency,
       (SELECT f.current_price FROM product_search AS f
        WHERE f.currency = c.currency AND f.current_price IS NOT NULL
        ORDER BY f.current_price OFFSET %(products)s LIMIT 1)
FROM (SELECT currency FROM product_search GROUP BY currency ORDER BY count(*) DESC LIMIT 1) AS c

-- name: changes
-- How many products there are, how many came or went since Postgres counts, and whether sketches or words are missing
-- altogether, though there are enough products for them.
SELECT (SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE oid = 'product_search'::regclass),
       (SELECT n_tup_ins + n_tup_del FROM pg_stat_user_tables WHERE relid = 'product_search'::regclass),
       (SELECT count(*) FROM (SELECT FROM product WHERE embedding IS NOT NULL AND status = 'live' LIMIT 30) AS first_few) = 30
       AND (NOT EXISTS (SELECT FROM embedding_basis AS b JOIN embedding_model AS m ON m.id = b.model
                        WHERE b.ready AND m.state = 'active')
            OR NOT EXISTS (SELECT FROM search_refresh WHERE name = 'words'))

-- name: brands
-- Brands of live products with how many each has, the largest first.
SELECT brand, count(*) FROM product_search WHERE brand IS NOT NULL
GROUP BY brand ORDER BY count(*) DESC, brand

-- name: categories
-- Category paths of live products with how many each has.
SELECT category, count(*) FROM product_search WHERE category IS NOT NULL
GROUP BY category ORDER BY category
