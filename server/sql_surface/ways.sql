-- name: measure
-- How many live products pass, and how many there are: counted up to a limit, estimated by EXPLAIN beyond. EXPLAIN may
-- stand in no STABLE function.
CREATE FUNCTION vitrine_sql_inner.measure(
    w vitrine_sql_inner.wanted, count_up_to integer, OUT matching bigint, OUT catalogue bigint
) LANGUAGE plpgsql VOLATILE AS $function$
DECLARE
    narrows boolean := num_nonnulls(w.price_min, w.price_max, w.currency, w.category, w.brands) > 0 OR w.in_stock;
    explained json;
BEGIN
    SELECT GREATEST(c.reltuples, 0) INTO catalogue FROM pg_class AS c WHERE c.oid = 'product_search'::regclass;
    -- Where nothing is kept out and there were far more at the last ANALYZE, there still are.
    IF NOT narrows AND catalogue > 2 * count_up_to THEN
        matching := catalogue;
        RETURN;
    END IF;
    SELECT count(*) INTO matching
    FROM (SELECT FROM product_search AS f WHERE {narrow} LIMIT count_up_to) AS counted;
    IF matching >= count_up_to THEN
        EXECUTE $query$EXPLAIN (FORMAT JSON) SELECT FROM product_search AS f WHERE {numbered}$query$
        INTO explained
        USING {numbers};
        matching := GREATEST(matching, (explained -> 0 -> 'Plan' ->> 'Plan Rows')::numeric::bigint);
    END IF;
    catalogue := GREATEST(catalogue, matching);
END
$function$

-- name: choose_path
-- The choice of plan.py, with what `vitrine search calibrate` measured here, else its defaults.
CREATE FUNCTION vitrine_sql_inner.choose_path(
    matching bigint, share double precision, wanted integer, pool integer, has_sketches boolean
) RETURNS text LANGUAGE plpgsql STABLE AS $function$
DECLARE
    costs jsonb := '{costs}'::jsonb || COALESCE((SELECT s.costs FROM search_settings AS s), '{}');
    sketches double precision;
    walk double precision;
BEGIN
    IF matching <= (CASE WHEN has_sketches THEN {exact_rows} ELSE {exact_rows_without_sketches} END) THEN
        RETURN 'exact';
    END IF;
    IF NOT has_sketches THEN
        RETURN 'hnsw';
    END IF;
    sketches := (costs ->> 'sketch_start')::float8 + (costs ->> 'sketch_row')::float8 * matching
                + (costs ->> 'exact_row')::float8 * LEAST(matching, pool);
    walk := (costs ->> 'walk_start')::float8
            + (costs ->> 'walk_row')::float8 * GREATEST({ef_search}, {margin} * wanted / share);
    RETURN CASE WHEN sketches <= walk THEN 'sketch' ELSE 'hnsw' END;
END
$function$

-- name: exact
-- Ranks every live product that passes. The "+ 0" keeps the planner from walking the HNSW index, which cannot promise all
-- of them.
CREATE FUNCTION vitrine_sql_inner.exact(asked halfvec, w vitrine_sql_inner.wanted, wanted integer)
RETURNS SETOF vitrine_sql_inner.near LANGUAGE plpgsql VOLATILE AS $function$
BEGIN
    RETURN QUERY
    SELECT p.sku, (p.embedding <=> asked) + 0 AS distance
    FROM product_search AS f JOIN product AS p ON p.sku = f.sku
    WHERE p.embedding IS NOT NULL AND {narrow}
    ORDER BY distance, p.sku
    LIMIT wanted;
END
$function$

-- name: not_only_live
-- The same where other products than live ones are wanted, which the narrow table does not have. NULL: of any status.
CREATE FUNCTION vitrine_sql_inner.not_only_live(
    asked halfvec, w vitrine_sql_inner.wanted, status text, wanted integer
) RETURNS SETOF vitrine_sql_inner.near LANGUAGE plpgsql VOLATILE AS $function$
BEGIN
    RETURN QUERY
    SELECT p.sku, (p.embedding <=> asked) + 0 AS distance
    FROM product AS p
    WHERE p.embedding IS NOT NULL AND (not_only_live.status IS NULL OR p.status = not_only_live.status) AND {wide}
    ORDER BY distance, p.sku
    LIMIT wanted;
END
$function$

-- name: sketched
-- Ranks the sketches of all that pass, and the best of them exactly. Rows that were not sketched by these axes, written
-- while axes changed, are ranked exactly in any case.
CREATE FUNCTION vitrine_sql_inner.sketched(
    asked halfvec, w vitrine_sql_inner.wanted, axes integer, pool integer, wanted integer
) RETURNS SETOF vitrine_sql_inner.near LANGUAGE plpgsql VOLATILE AS $function$
DECLARE
    sketch_asked halfvec;
BEGIN
    SELECT array_agg((-(a.axis <#> asked))::real ORDER BY a.position)::halfvec INTO sketch_asked
    FROM embedding_axis AS a WHERE a.basis = axes;
    RETURN QUERY
    WITH rough AS MATERIALIZED (
        SELECT f.sku, CASE WHEN f.basis = axes THEN f.sketch <#> sketch_asked END AS distance
        FROM product_search AS f
        WHERE {narrow}
        ORDER BY distance NULLS FIRST
        LIMIT pool
    )
    SELECT p.sku, (p.embedding <=> asked) + 0 AS exactly
    FROM rough JOIN product AS p ON p.sku = rough.sku
    WHERE p.embedding IS NOT NULL
    ORDER BY exactly, p.sku
    LIMIT wanted;
END
$function$

-- name: walk
-- One walk of the HNSW index, of all products.
CREATE FUNCTION vitrine_sql_inner.walk(asked halfvec, w vitrine_sql_inner.wanted, wanted integer)
RETURNS SETOF vitrine_sql_inner.near LANGUAGE plpgsql VOLATILE AS $function$
BEGIN
    RETURN QUERY
    SELECT p.sku, p.embedding <=> asked
    FROM product AS p
    WHERE p.status = 'live' AND {wide}
    ORDER BY p.embedding <=> asked
    LIMIT wanted;
END
$function$

-- name: walked
-- Walks the index, farther where that pays; NULL where too few of the nearest pass the filter. What is sought beyond the
-- first `ef` comes from a walk that goes on; of those within it more are asked for than are wanted, since what lies near
-- their end is less certain. What is set for it is set back: it would hold for the rest of the analyst's transaction.
CREATE FUNCTION vitrine_sql_inner.walked(
    asked halfvec, w vitrine_sql_inner.wanted, matching bigint, share double precision, wanted integer
) RETURNS vitrine_sql_inner.near[] LANGUAGE plpgsql VOLATILE AS $function$
DECLARE
    narrows boolean := num_nonnulls(w.price_min, w.price_max, w.currency, w.category, w.brands) > 0 OR w.in_stock;
    needed integer := LEAST(GREATEST({ef_search}, {margin} * wanted / share), 2000000000)::integer;
    goes_on boolean := needed > {most_ef_search};
    efs integer[] := ARRAY[LEAST(needed, {most_ef_search})];
    most integer := CASE WHEN goes_on OR NOT narrows THEN wanted ELSE (wanted * {safe})::integer END;
    sought bigint := LEAST(most, matching);
    names text[] := ARRAY['hnsw.ef_search', 'hnsw.iterative_scan', 'hnsw.max_scan_tuples', 'hnsw.scan_mem_multiplier'];
    before text[] := ARRAY(SELECT current_setting(name) FROM unnest(names) WITH ORDINALITY AS n (name, place)
                           ORDER BY place);
    hits vitrine_sql_inner.near[];
BEGIN
    IF needed * 2 <= {most_ef_search} THEN
        efs := efs || {most_ef_search};
    END IF;
    PERFORM set_config('hnsw.iterative_scan', CASE WHEN goes_on THEN 'relaxed_order' ELSE 'off' END, true),
            set_config('hnsw.max_scan_tuples', CASE WHEN goes_on THEN needed ELSE 1 END::text, true),
            set_config('hnsw.scan_mem_multiplier', '4', true);
    FOR n IN 1 .. cardinality(efs) LOOP
        PERFORM set_config('hnsw.ef_search', efs[n]::text, true);
        hits := ARRAY(SELECT one FROM vitrine_sql_inner.walk(asked, w, most) AS one);
        EXIT WHEN cardinality(hits) >= sought OR n = cardinality(efs)
                  OR cardinality(hits) * efs[n + 1]::float8 / efs[n] < 1.2 * sought;
    END LOOP;
    PERFORM set_config(name, before[place], true) FROM unnest(names) WITH ORDINALITY AS n (name, place);
    RETURN CASE WHEN cardinality(hits) >= sought THEN hits END;
END
$function$

-- name: rank
-- The nearest live products that pass, never fewer than min(wanted, those that pass), and how they were found.
CREATE FUNCTION vitrine_sql_inner.rank(
    asked halfvec, w vitrine_sql_inner.wanted, model integer, wanted integer,
    OUT hits vitrine_sql_inner.near[], OUT path text
) LANGUAGE plpgsql VOLATILE AS $function$
DECLARE
    -- The axes by which every live product is sketched; NULL while others take their place.
    axes integer := (SELECT max(b.id) FROM embedding_basis AS b WHERE b.model = rank.model HAVING bool_and(b.ready));
    size record;
    share double precision;
    pool integer;
BEGIN
    SELECT m.matching, m.catalogue INTO size
    FROM vitrine_sql_inner.measure(w, CASE WHEN axes IS NULL THEN {exact_rows_without_sketches} ELSE {most} END + 1) AS m;
    share := LEAST(1, GREATEST(size.matching, 1)::float8 / GREATEST(size.catalogue, 1));
    pool := CASE WHEN wanted >= {page_pool} / 2.0 THEN GREATEST({most}, wanted)
                 ELSE GREATEST({least_pool}, {margin} * wanted, LEAST({pool_share} * size.matching, {page_pool})) END;
    path := vitrine_sql_inner.choose_path(size.matching, share, wanted, pool, axes IS NOT NULL);
    IF path = 'hnsw' THEN
        hits := vitrine_sql_inner.walked(asked, w, size.matching, share, wanted);
        IF hits IS NULL THEN
            path := CASE WHEN axes IS NULL THEN 'hnsw_then_exact' ELSE 'hnsw_then_sketch' END;
        END IF;
    END IF;
    IF path IN ('sketch', 'hnsw_then_sketch') THEN
        hits := ARRAY(SELECT n FROM vitrine_sql_inner.sketched(asked, w, axes, pool, wanted) AS n);
    ELSIF hits IS NULL THEN
        hits := ARRAY(SELECT n FROM vitrine_sql_inner.exact(asked, w, wanted) AS n);
    END IF;
END
$function$
