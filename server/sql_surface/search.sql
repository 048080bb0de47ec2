-- name: product_hit
-- What the searching functions return: a type of its own, since a column of RETURNS TABLE may not be called as a
-- parameter is, and `brand => 'Sundahl'` should filter by what the column `brand` shows.
CREATE TYPE vitrine_sql.product_hit AS (
    rank integer, sku text, title text, brand text, category text, price numeric, currency text, stock integer,
    status text, similarity double precision, score double precision, distance double precision, path text
);
COMMENT ON TYPE vitrine_sql.product_hit IS 'A product that was found, nearest first.';
COMMENT ON COLUMN vitrine_sql.product_hit.rank IS 'From 1, the nearest.';
COMMENT ON COLUMN vitrine_sql.product_hit.sku IS 'Key; join on it.';
COMMENT ON COLUMN vitrine_sql.product_hit.title IS 'As in products.';
COMMENT ON COLUMN vitrine_sql.product_hit.brand IS 'As in products.';
COMMENT ON COLUMN vitrine_sql.product_hit.category IS 'As in products.';
COMMENT ON COLUMN vitrine_sql.product_hit.price IS 'What a shopper pays, in the currency beside it.';
COMMENT ON COLUMN vitrine_sql.product_hit.currency IS 'As in products.';
COMMENT ON COLUMN vitrine_sql.product_hit.stock IS 'Pieces on hand. NULL: not counted, and taken as available.';
COMMENT ON COLUMN vitrine_sql.product_hit.status IS 'live, draft, hidden or trash.';
COMMENT ON COLUMN vitrine_sql.product_hit.similarity IS 'Cosine between what was asked and the product, -1 to 1.';
COMMENT ON COLUMN vitrine_sql.product_hit.score IS 'The similarity in standard deviations above its mean over the catalogue.';
COMMENT ON COLUMN vitrine_sql.product_hit.distance IS '1 - similarity.';
COMMENT ON COLUMN vitrine_sql.product_hit.path IS
    'How all were found: exact, sketch, hnsw, hnsw_then_sketch or hnsw_then_exact.'

-- name: similarity_scale
-- The formula of server/search/basis.py: mean q . center, variance sum of variance_j (q . axis_j)^2, and the rest along
-- all other directions. The last row is for a catalogue too small to have a spread.
CREATE FUNCTION vitrine_sql.similarity_scale(embedding halfvec)
RETURNS TABLE (mean double precision, deviation double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {search_path} AS $function$
    SELECT scale.mean, scale.deviation
    FROM (
        SELECT 1 AS place, -(b.center <#> q.direction) AS mean,
               sqrt(GREATEST(a.variance
                             + COALESCE(GREATEST(b.variance - a.total, 0) / NULLIF(vector_dims(b.center) - a.axes, 0), 0)
                               * GREATEST(1 - a.along, 0), 1e-8)) AS deviation
        FROM (SELECT l2_normalize(similarity_scale.embedding)::vector AS direction) AS q
        CROSS JOIN LATERAL (
            SELECT made.* FROM embedding_basis AS made
            JOIN embedding_model AS m ON m.id = made.model AND m.state = 'active'
            WHERE made.ready ORDER BY made.id DESC LIMIT 1
        ) AS b
        CROSS JOIN LATERAL (
            SELECT sum(one.variance * one.component ^ 2) AS variance, sum(one.component ^ 2) AS along,
                   sum(one.variance) AS total, count(*) AS axes
            FROM (SELECT axis.variance, axis.axis::vector <#> q.direction AS component
                  FROM embedding_axis AS axis WHERE axis.basis = b.id) AS one
        ) AS a
        WHERE a.axes > 0
        UNION ALL
        SELECT 2, {default_mean}, {default_deviation}
    ) AS scale
    ORDER BY scale.place
    LIMIT 1
$function$;
COMMENT ON FUNCTION vitrine_sql.similarity_scale(halfvec) IS
    'Mean and standard deviation of the cosine between this direction and the live products, without reading any of them.'

-- name: nearest_products
-- Prices are double precision, for which numbers of every type are taken by themselves, and k is bigint, for which every
-- whole one is.
--
-- The search itself: what server/search does for HTTP, by plan.py's numbers and filter.sql's conditions; its steps stand
-- in ways.sql.
--
-- VOLATILE, though it writes nothing: each statement in it then sees what was committed before it. The first one locks
-- `product` until the transaction ends, so from there on the model does not change. Under REPEATABLE READ the snapshot
-- may be older than that lock; then vectors of two models would meet, and the check at the end says so.
CREATE FUNCTION vitrine_sql.nearest_products(
    embedding halfvec, min_price double precision DEFAULT NULL, max_price double precision DEFAULT NULL,
    category text DEFAULT NULL, brand text DEFAULT NULL, in_stock boolean DEFAULT false, status text DEFAULT 'live',
    k bigint DEFAULT 20, currency text DEFAULT NULL, not_skus text[] DEFAULT NULL
)
RETURNS SETOF vitrine_sql.product_hit
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 20
SET search_path = {search_path} SET plan_cache_mode = force_custom_plan SET jit = off AS $function$
#variable_conflict use_column
DECLARE
    model integer;
    asked halfvec;
    w vitrine_sql_inner.wanted;
    hits vitrine_sql_inner.near[];
    path text;
    scale record;
BEGIN
    PERFORM vitrine_sql_inner.check_asked(nearest_products.k, nearest_products.status);
    PERFORM FROM product LIMIT 1;
    SELECT m.id INTO model FROM embedding_model AS m WHERE m.state = 'active';
    IF model IS NULL OR nearest_products.embedding IS NULL THEN
        RETURN;
    END IF;
    asked := vitrine_sql_inner.direction(nearest_products.embedding);
    w := vitrine_sql_inner.meant(
        nearest_products.min_price, nearest_products.max_price, nearest_products.category, nearest_products.brand,
        nearest_products.in_stock, nearest_products.currency, nearest_products.not_skus);
    IF nearest_products.status = 'live' THEN
        SELECT r.hits, r.path INTO hits, path
        FROM vitrine_sql_inner.rank(asked, w, model, nearest_products.k::integer + {tie_margin}) AS r;
    ELSE
        path := 'exact';
        hits := ARRAY(SELECT n FROM vitrine_sql_inner.not_only_live(
            asked, w, nearest_products.status, nearest_products.k::integer) AS n);
    END IF;
    IF EXISTS (SELECT FROM unnest(hits) AS n JOIN product AS p ON p.sku = n.sku
               WHERE p.embedding_model IS DISTINCT FROM model) THEN
        RAISE serialization_failure USING MESSAGE =
            'Another model became the active one while this transaction was open. Begin it again.';
    END IF;
    SELECT s.mean, s.deviation INTO scale FROM vitrine_sql.similarity_scale(asked) AS s;
    RETURN QUERY
    SELECT row_number() OVER (ORDER BY n.distance, n.sku)::integer, p.sku, p.title, p.brand, p.category,
           p.current_price, p.currency, p.stock, p.status, 1 - n.distance,
           (1 - n.distance - scale.mean) / scale.deviation, n.distance, path
    FROM unnest(hits) AS n JOIN product AS p ON p.sku = n.sku
    ORDER BY n.distance, n.sku
    LIMIT nearest_products.k;
END
$function$;
COMMENT ON FUNCTION vitrine_sql.nearest_products(
    halfvec, double precision, double precision, text, text, boolean, text, bigint, text, text[]) IS
    'The k products nearest to a vector that pass the filters, never fewer than pass: an average look, a product, a text. '
    'Category: a path or its beginning. Prices are in the currency given, else in the shop''s. in_stock false: sold out or not. status NULL: any.'

-- name: search_products
-- The lock comes before the text is embedded, by the model that then stays.
CREATE FUNCTION vitrine_sql.search_products(
    query text, min_price double precision DEFAULT NULL, max_price double precision DEFAULT NULL,
    category text DEFAULT NULL, brand text DEFAULT NULL, in_stock boolean DEFAULT false, status text DEFAULT 'live',
    k bigint DEFAULT 20, currency text DEFAULT NULL
)
RETURNS SETOF vitrine_sql.product_hit
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 20 SET search_path = {search_path} AS $function$
BEGIN
    IF NOT vitrine_sql_inner.tells_something(query) THEN
        RETURN;
    END IF;
    PERFORM FROM product LIMIT 1;
    RETURN QUERY SELECT * FROM vitrine_sql.nearest_products(
        vitrine_sql.embed_text(query), min_price, max_price, category, brand, in_stock, status, k, currency);
END
$function$;
COMMENT ON FUNCTION vitrine_sql.search_products(
    text, double precision, double precision, text, text, boolean, text, bigint, text) IS
    'The k products that look most like the words and pass the filters, never fewer than pass. '
    'Example: SELECT sku, title, price FROM search_products(''striped blue shirt'', max_price => 50, k => 20).'

-- name: similar_products
-- As the shop's "similar products": by the look alone, and without the product itself.
CREATE FUNCTION vitrine_sql.similar_products(
    sku text, k bigint DEFAULT 20, min_price double precision DEFAULT NULL, max_price double precision DEFAULT NULL,
    category text DEFAULT NULL, brand text DEFAULT NULL, in_stock boolean DEFAULT false, status text DEFAULT 'live',
    currency text DEFAULT NULL
)
RETURNS SETOF vitrine_sql.product_hit
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 20 SET search_path = {search_path} AS $function$
#variable_conflict use_variable
BEGIN
    IF sku IS NULL THEN
        RETURN;
    END IF;
    PERFORM FROM product LIMIT 1;
    RETURN QUERY SELECT * FROM vitrine_sql.nearest_products(
        vitrine_sql_inner.embedding_of(sku), min_price, max_price, category, brand, in_stock, status, k, currency,
        ARRAY[sku]);
END
$function$;
COMMENT ON FUNCTION vitrine_sql.similar_products(
    text, bigint, double precision, double precision, text, text, boolean, text, text) IS
    'The k products that look most like this one and pass the filters. Example: SELECT * FROM similar_products(''A-1'', 5).'
