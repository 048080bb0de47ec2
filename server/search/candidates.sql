-- name: settings
-- For this transaction alone: session settings do not survive a connection pooler. How far most walks of the index go
-- is set too (see walk_so_far). Reading `product` holds it against a change of the model until the transaction ends.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('hnsw.ef_search', %(ef)s, true),
       set_config('hnsw.iterative_scan', %(goes_on)s, true), set_config('hnsw.max_scan_tuples', %(steps)s, true),
       set_config('hnsw.scan_mem_multiplier', '4', true), EXISTS (SELECT FROM product)

-- name: model
-- The model that made the catalogue's embeddings, the axes of its sketches, and behind it a model that is about to take
-- its place, to be opened in time. Asked behind a statement that reads `product`, the first holds until the transaction
-- ends: a change of the model waits for that statement's lock.
SELECT m.name, m.revision, m.digest, m.state = 'active',
       (SELECT max(b.id) FROM embedding_basis AS b WHERE b.model = m.id AND b.ready)
FROM embedding_model AS m
WHERE m.state = 'active'
   OR (m.state <> 'retired' AND m.id = (SELECT model FROM activation WHERE phase IN ('index', 'switch')))
ORDER BY m.state <> 'active'

-- name: count
-- How many products pass the filter, counted up to a limit, and how many are in the shop, as of the last ANALYZE (-1
-- before the first). Of a shop that was much larger then, all products are not counted.
SELECT CASE WHEN NOT %(narrows)s::boolean AND shop.reltuples > 2 * %(count_up_to)s THEN %(count_up_to)s
            ELSE (SELECT count(*) FROM (SELECT FROM {rows} WHERE {narrow} LIMIT %(count_up_to)s) AS matching) END,
       shop.reltuples::bigint
FROM pg_class AS shop
WHERE shop.oid = 'product_search'::regclass

-- name: estimate
-- How many pass, as Postgres thinks: 0.1 ms, whatever the answer is.
EXPLAIN (FORMAT JSON) SELECT FROM {rows} WHERE {narrow}

-- name: walk_so_far
-- How many candidates a walk keeps, whether it goes on behind them (off, relaxed_order), and where it gives up.
SELECT set_config('hnsw.ef_search', %(ef)s, true), set_config('hnsw.iterative_scan', %(goes_on)s, true),
       set_config('hnsw.max_scan_tuples', %(steps)s, true)

-- name: exact
-- Ranks every product that passes the filter. The "+ 0" keeps the planner from walking the HNSW index, which cannot
-- promise all of them.
SELECT {select}, (p.embedding <=> %(vector)b) + 0 AS distance, NULL::float8 AS rough
FROM {rows}
JOIN product AS p ON p.sku = f.sku
WHERE p.embedding IS NOT NULL AND {narrow}
  AND (%(bound)s::float8 IS NULL OR (p.embedding <=> %(vector)b) + 0 <= %(bound)s)
ORDER BY distance, p.sku
LIMIT %(limit)s

-- name: sketch
-- Ranks the sketches of all that pass the filter, and the best of them exactly. Rows that were not sketched by these
-- axes, written while axes changed, are ranked exactly in any case.
WITH near AS MATERIALIZED (
    SELECT f.sku, CASE WHEN f.basis = %(basis)s THEN f.sketch <#> %(sketch)b END AS rough
    FROM {rows}
    WHERE {narrow}
      AND (%(rough_bound)s::float8 IS NULL OR f.basis IS DISTINCT FROM %(basis)s
           OR f.sketch <#> %(sketch)b <= %(rough_bound)s)
    ORDER BY rough NULLS FIRST
    LIMIT %(pool)s
)
SELECT {select}, (p.embedding <=> %(vector)b) + 0 AS distance, near.rough
FROM near
JOIN product AS p ON p.sku = near.sku
WHERE p.embedding IS NOT NULL
ORDER BY distance, p.sku
LIMIT %(limit)s

-- name: walk
-- Walks the HNSW index, nearest first, until enough products passed the filter or the walk gives up. What lies equally
-- far comes in no order, and what a walk brings that goes on, in almost the right one: the caller sorts.
SELECT {select}, p.embedding <=> %(vector)b AS distance, NULL::float8 AS rough
FROM product AS p
WHERE p.status = 'live' AND {wide}
ORDER BY p.embedding <=> %(vector)b
LIMIT %(limit)s

-- name: walk_narrow
-- The same, where the filter asks for something that the narrow table alone has. A subquery a candidate, so that the
-- index goes on leading.
SELECT {select}, p.embedding <=> %(vector)b AS distance, NULL::float8 AS rough
FROM product AS p
WHERE p.status = 'live' AND {wide} AND (SELECT {narrow_only} FROM {rows} WHERE f.sku = p.sku)
ORDER BY p.embedding <=> %(vector)b
LIMIT %(limit)s

-- name: given
-- Products that are known already, with their distances where there is a vector to compare with.
SELECT {select}, (p.embedding <=> %(vector)s::halfvec) + 0 AS distance, NULL::float8 AS rough
FROM product AS p
WHERE p.sku = ANY (%(skus)s) AND p.status = 'live' AND (%(vector)s::halfvec IS NULL OR p.embedding IS NOT NULL)
