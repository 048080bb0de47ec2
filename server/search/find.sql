-- name: filter
-- Which products a search may return. Put into the queries below in place of {filter}. A parameter that is NULL drops
-- out when the statement is planned for its values (plan_cache_mode = force_custom_plan), so each combination of
-- filters gets the indexes that fit it. '0' is the character after '/', so the range holds every path below a category.
p.status = 'live'
AND (%(currency)s::text IS NULL OR p.currency = %(currency)s)
AND (%(price_min)s::numeric IS NULL OR p.current_price >= %(price_min)s)
AND (%(price_max)s::numeric IS NULL OR p.current_price <= %(price_max)s)
AND (%(category)s::text IS NULL OR p.category = %(category)s
     OR (p.category >= %(category)s::text || '/' AND p.category < %(category)s::text || '0'))
AND (%(brands)s::text[] IS NULL OR p.brand = ANY (%(brands)s))
AND (NOT %(in_stock)s::boolean OR p.stock > 0 OR p.stock IS NULL)
AND (%(not_sku)s::text IS NULL OR p.sku <> %(not_sku)s)

-- name: columns
-- What a hit shows. Put in place of {columns}.
p.sku, p.item_group, p.title, p.brand, p.category, p.price, p.sale_price, p.currency, p.stock, p.image_sha256,
p.created_at

-- name: settings
-- For this transaction alone: session settings do not survive a connection pooler. relaxed_order lets the index go on
-- until enough products passed the filter; the query sorts what it gave.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', %(ef_search)s, true),
       set_config('hnsw.max_scan_tuples', %(max_scan_tuples)s, true)

-- name: count_matching
-- How many products pass the filter, counted up to a limit: the answer's total, and what the plan is chosen by.
SELECT count(*) FROM (SELECT FROM product AS p WHERE {filter} LIMIT %(count_up_to)s) AS matching

-- name: find_exact
-- Ranks every product that passes the filter and goes on behind (after_distance, after_sku), the end of the page
-- before. The "+ 0" keeps the planner from walking the HNSW index, which cannot promise all of them.
SELECT hit.*, image.media_type
FROM (
    SELECT {columns}, (p.embedding <=> %(vector)b) + 0 AS distance
    FROM product AS p
    WHERE p.embedding IS NOT NULL AND {filter}
) AS hit
LEFT JOIN image ON image.sha256 = hit.image_sha256
WHERE %(after_sku)s::text IS NULL OR (hit.distance, hit.sku) > (%(after_distance)s::float8, %(after_sku)s)
ORDER BY hit.distance, hit.sku
LIMIT %(limit)s

-- name: find_hnsw
-- Walks the HNSW index, nearest first, until enough products passed the filter or the walk gives up. The planner holds
-- what relaxed_order gives for sorted and would leave out the sort: "+ 0" makes it sort.
WITH walked AS MATERIALIZED (
    SELECT {columns}, p.embedding <=> %(vector)b AS distance
    FROM product AS p
    WHERE {filter}
    ORDER BY p.embedding <=> %(vector)b
    LIMIT %(limit)s
)
SELECT walked.*, image.media_type
FROM walked
LEFT JOIN image ON image.sha256 = walked.image_sha256
ORDER BY walked.distance + 0, walked.sku

-- name: browse_newest
-- No query: the newest first, going on behind (after_created_at, after_sku).
SELECT {columns}, NULL::float8 AS distance, image.media_type
FROM product AS p
LEFT JOIN image ON image.sha256 = p.image_sha256
WHERE {filter}
  AND (%(after_sku)s::text IS NULL OR p.created_at < %(after_value)s::timestamptz
       OR (p.created_at = %(after_value)s::timestamptz AND p.sku > %(after_sku)s))
ORDER BY p.created_at DESC, p.sku
LIMIT %(limit)s

-- name: browse_price_asc
-- No query: the cheapest first, products without a price last, and those priced in another currency than the shop's
-- behind all of them. `after_value` is the last price, NULL among those without one.
SELECT {columns}, NULL::float8 AS distance, image.media_type
FROM product AS p
LEFT JOIN image ON image.sha256 = p.image_sha256
WHERE {filter}
  AND (%(after_sku)s::text IS NULL
       OR (p.currency <> %(shop_currency)s, COALESCE(p.current_price, 'Infinity'), p.sku)
          > (%(after_foreign)s::boolean, COALESCE(%(after_value)s::numeric, 'Infinity'), %(after_sku)s))
ORDER BY p.currency <> %(shop_currency)s, COALESCE(p.current_price, 'Infinity'), p.sku
LIMIT %(limit)s

-- name: browse_price_desc
-- The same, the dearest first.
SELECT {columns}, NULL::float8 AS distance, image.media_type
FROM product AS p
LEFT JOIN image ON image.sha256 = p.image_sha256
WHERE {filter}
  AND (%(after_sku)s::text IS NULL
       OR (p.currency <> %(shop_currency)s, -COALESCE(p.current_price, -1), p.sku)
          > (%(after_foreign)s::boolean, -COALESCE(%(after_value)s::numeric, -1), %(after_sku)s))
ORDER BY p.currency <> %(shop_currency)s, -COALESCE(p.current_price, -1), p.sku
LIMIT %(limit)s

-- name: product_vector
-- The embedding of one product, to search for its like, and the model that made it. Without the column's dimension in
-- its type: a prepared statement may not change its result, and the dimension changes with the model.
SELECT p.embedding::halfvec, p.status, model.name, model.revision, model.digest
FROM product AS p
LEFT JOIN embedding_model AS model ON model.id = p.embedding_model
WHERE p.sku = %(sku)s

-- name: active_model
-- The model that made the catalogue's embeddings, and behind it one that is about to take its place, to be opened in
-- time. Asked behind a statement that reads `product`, the first holds until the transaction ends: a change of the
-- model waits for that statement's lock.
SELECT name, revision, digest, state = 'active'
FROM embedding_model
WHERE state = 'active'
   OR (state <> 'retired' AND id = (SELECT model FROM activation WHERE phase IN ('index', 'switch')))
ORDER BY state <> 'active'

-- name: common_currency
-- The currency that most live products are priced in: the shop's, where no setting names it.
SELECT currency FROM product WHERE status = 'live' GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1

-- name: brands
-- Brands of live products with how many each has, the largest first, for the shop's filter.
SELECT brand, count(*) FROM product WHERE status = 'live' AND brand IS NOT NULL
GROUP BY brand ORDER BY count(*) DESC, brand LIMIT %(limit)s

-- name: categories
-- Category paths of live products with how many each has, for the shop's filter.
SELECT category, count(*) FROM product WHERE status = 'live' AND category IS NOT NULL
GROUP BY category ORDER BY category
