-- name: classify_product
-- Zero-shot: softmax over logit_scale * cosine. A bias, as sigmoid models have one, is the same for each label and falls
-- out of it.
CREATE FUNCTION vitrine_sql.classify_product(sku text, labels text[])
RETURNS TABLE (label text, probability double precision, similarity double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = {search_path} AS $function$
#variable_conflict use_column
DECLARE
    scale double precision;
    digest text;
    look halfvec;
    labels_key text;
    memo text := current_setting('vitrine_sql.labels', true);
    looks halfvec[];
BEGIN
    IF classify_product.sku IS NULL OR labels IS NULL THEN
        RETURN;
    END IF;
    IF array_ndims(labels) > 1 THEN
        RAISE invalid_parameter_value USING MESSAGE =
            'The labels are one list, and this array has several dimensions. Write ARRAY[''a shirt'', ''a mug''].';
    END IF;
    IF cardinality(labels) = 0 OR array_position(labels, NULL) IS NOT NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'Give at least one label, and none that is NULL.';
    END IF;
    IF EXISTS (SELECT FROM unnest(labels) AS n (label) WHERE vitrine_sql_inner.is_blank(n.label)) THEN
        RAISE invalid_parameter_value USING MESSAGE = 'One of the labels is blank. Write what the product may be.';
    END IF;
    PERFORM FROM product LIMIT 1;
    look := vitrine_sql_inner.embedding_of(classify_product.sku);
    IF look IS NULL THEN
        RETURN;
    END IF;
    SELECT m.logit_scale, m.digest INTO scale, digest FROM vitrine_sql.models AS m WHERE m.state = 'active';
    IF scale IS NULL THEN
        RAISE no_data_found USING MESSAGE =
            'The logit scale of the active model is not known to this database. Run `vitrine sql install`.';
    END IF;
    -- Called for many products, with the same labels for each: the vectors of the last ones are kept for the transaction.
    labels_key := digest || encode(sha256(convert_to(labels::text, 'UTF8')), 'hex');
    IF starts_with(memo, labels_key) THEN
        looks := substr(memo, 1 + length(labels_key))::halfvec[];
    ELSE
        looks := ARRAY(SELECT vitrine_sql.embed_text(n.label)
                       FROM unnest(labels) WITH ORDINALITY AS n (label, place) ORDER BY n.place);
        PERFORM set_config('vitrine_sql.labels', labels_key || looks::text, true);
    END IF;
    RETURN QUERY
    WITH given AS (
        SELECT n.label, n.place, 1 - (look <=> n.asked) AS similarity
        FROM unnest(labels, looks) WITH ORDINALITY AS n (label, asked, place)
    ), weighed AS (
        SELECT g.*, exp(scale * (g.similarity - max(g.similarity) OVER ())) AS weight FROM given AS g
    )
    SELECT w.label, w.weight / sum(w.weight) OVER (), w.similarity FROM weighed AS w ORDER BY w.weight DESC, w.place;
END
$function$;
COMMENT ON FUNCTION vitrine_sql.classify_product(text, text[]) IS
    'Which of these labels the product looks most like; the probabilities sum to 1, so one label should fit. '
    'Example: SELECT * FROM classify_product(''A-1'', ARRAY[''a striped shirt'', ''a plain shirt'']).'

-- name: explain_match
-- How near a product is to a text, and what stands in its way. Reads every live product's vector to tell the rank: about
-- 5 microseconds each.
CREATE FUNCTION vitrine_sql.explain_match(sku text, query text)
RETURNS TABLE (
    title text, similarity double precision, score double precision, rank bigint, of_products bigint,
    nearer_share double precision, words_found text[], words_missing text[], embedding_source text, status text,
    in_stock boolean, price numeric, currency text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = {search_path} SET plan_cache_mode = force_custom_plan SET jit = off AS $function$
#variable_conflict use_column
DECLARE
    look halfvec;
    asked halfvec;
    scale record;
    nearer bigint;
    live bigint;
    words record;
BEGIN
    IF explain_match.sku IS NULL OR NOT vitrine_sql_inner.tells_something(explain_match.query) THEN
        RETURN;
    END IF;
    PERFORM FROM product LIMIT 1;
    look := vitrine_sql_inner.embedding_of(explain_match.sku);
    IF look IS NULL THEN
        RETURN;
    END IF;
    asked := vitrine_sql_inner.direction(vitrine_sql.embed_text(explain_match.query));
    SELECT s.mean, s.deviation INTO scale FROM vitrine_sql.similarity_scale(asked) AS s;
    SELECT count(*) FILTER (WHERE p.embedding <=> asked < look <=> asked), count(*) INTO nearer, live
    FROM product AS p WHERE p.status = 'live' AND p.embedding IS NOT NULL AND p.sku <> explain_match.sku;
    SELECT * INTO words FROM vitrine_sql_inner.words_of(explain_match.sku, explain_match.query);
    RETURN QUERY
    SELECT p.title, 1 - (look <=> asked), (1 - (look <=> asked) - scale.mean) / scale.deviation, nearer + 1, live + 1,
           nearer::float8 / GREATEST(live, 1), words.here, words.missing, p.embedding_source, p.status,
           COALESCE(p.stock > 0, true), p.current_price, p.currency
    FROM product AS p WHERE p.sku = explain_match.sku;
END
$function$;
COMMENT ON FUNCTION vitrine_sql.explain_match(text, text) IS
    'Why a product is found by a text, or not: its cosine, its rank by the look among live products, which words stand in '
    'its texts and where (title, brand, category, description), and what filters compare.'

-- name: words_of
-- Which words of a text a product has, as full-text search reads them, each with the field of most weight. Words that
-- tell nothing (the, with) are in neither list, and Postgres has no need to say so.
CREATE FUNCTION vitrine_sql_inner.words_of(wanted_sku text, query text, OUT here text[], OUT missing text[])
LANGUAGE sql STABLE SET client_min_messages = warning AS $function$
    WITH speech AS (
        SELECT COALESCE((SELECT s.language FROM search_settings AS s), 'english') AS language
    ), held AS MATERIALIZED (
        SELECT speech.language,
               search_text_of(speech.language, p.title, p.brand, p.category, p.attributes, p.description) AS texts
        FROM product AS p, speech WHERE p.sku = wanted_sku
    ), word AS (
        SELECT n.word, n.place, plainto_tsquery(held.language, n.word) AS asked, held.texts
        FROM held, regexp_split_to_table(lower(query), '\s+') WITH ORDINALITY AS n (word, place)
    ), told AS (
        SELECT w.word, w.place,
               CASE WHEN ts_filter(w.texts, '{a}') @@ w.asked THEN 'title' WHEN ts_filter(w.texts, '{b}') @@ w.asked THEN 'brand'
                    WHEN ts_filter(w.texts, '{c}') @@ w.asked THEN 'category or attributes'
                    WHEN w.texts @@ w.asked THEN 'description' END AS field
        FROM word AS w WHERE numnode(w.asked) > 0
    )
    SELECT COALESCE(array_agg(word || ' (' || field || ')' ORDER BY place) FILTER (WHERE field IS NOT NULL), '{}'),
           COALESCE(array_agg(word ORDER BY place) FILTER (WHERE field IS NULL), '{}')
    FROM told
$function$

-- name: products_matching
-- All of them, so every live product's vector is read: about 5 microseconds each. An index that is walked cannot promise
-- to have met all.
CREATE FUNCTION vitrine_sql.products_matching(query text, threshold double precision)
RETURNS TABLE (sku text, similarity double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1000
SET search_path = {search_path} SET plan_cache_mode = force_custom_plan SET jit = off AS $function$
#variable_conflict use_column
DECLARE
    asked halfvec;
BEGIN
    IF threshold IS NULL OR NOT vitrine_sql_inner.tells_something(products_matching.query) THEN
        RETURN;
    END IF;
    IF threshold NOT BETWEEN -1 AND 1 THEN
        RAISE invalid_parameter_value USING MESSAGE =
            'The threshold is a cosine, from -1 to 1. search_products shows what similarities this query has.';
    END IF;
    PERFORM FROM product LIMIT 1;
    asked := vitrine_sql.embed_text(products_matching.query);
    RETURN QUERY
    SELECT p.sku, 1 - (p.embedding <=> asked) FROM product AS p
    WHERE p.status = 'live' AND p.embedding IS NOT NULL AND (p.embedding <=> asked) + 0 <= 1 - threshold;
END
$function$;
COMMENT ON FUNCTION vitrine_sql.products_matching(text, double precision) IS
    'Every live product whose cosine to the text is at least the threshold, in no order, to join with: '
    'SELECT sum(s.revenue) FROM products_matching(''red dress'', 0.25) JOIN sales AS s USING (sku).'
