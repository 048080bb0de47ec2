-- name: begin
-- What a search sets for this transaction alone, as session settings do not survive a connection pooler (see
-- walk_so_far); the model that made the catalogue's embeddings, with the axes of its sketches and whether no others are
-- taking their place, by which more and more rows are sketched; and behind it a model
-- that is about to take its place, to be opened in time; how many products there were at the last ANALYZE (-1 before the
-- first); and the isolation of the transaction.
-- Reading `product` holds it against a change of the model until the transaction ends. At READ COMMITTED a statement
-- sees what was committed when it had all its locks, so the model that is read is the one that stays.
SELECT m.name, m.revision, m.digest, m.state = 'active',
       (SELECT max(b.id) FROM embedding_basis AS b WHERE b.model = m.id AND b.ready),
       NOT EXISTS (SELECT FROM embedding_basis AS b WHERE b.model = m.id AND NOT b.ready), here.products, here.isolation,
       here.settings, here.has_products
FROM (
    SELECT current_setting('transaction_isolation') AS isolation,
           (SELECT reltuples::bigint FROM pg_class WHERE oid = 'product_search'::regclass) AS products,
           ARRAY[set_config('plan_cache_mode', 'force_custom_plan', true),
                 set_config('hnsw.ef_search', %(ef)s, true), set_config('hnsw.iterative_scan', %(goes_on)s, true),
                 set_config('hnsw.max_scan_tuples', %(steps)s, true), set_config('hnsw.scan_mem_multiplier', '4', true)
           ] AS settings,
           EXISTS (SELECT FROM product) AS has_products
) AS here
LEFT JOIN embedding_model AS m
    ON m.state = 'active'
    OR (m.state <> 'retired' AND m.id = (SELECT model FROM activation WHERE phase IN ('index', 'switch')))
ORDER BY m.state <> 'active'

-- name: model
-- The model that made the catalogue's embeddings.
SELECT name, revision, digest FROM embedding_model WHERE state = 'active'

-- name: count
-- How many products pass the filter, counted up to a limit.
SELECT count(*) FROM (SELECT FROM {rows} WHERE {narrow} LIMIT %(count_up_to)s) AS matching

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
