-- name: products
-- What the shop sells. `embedding::halfvec` has no fixed dimension, so that the view follows a change of the model, and
-- an ORDER BY over it still finds the HNSW index.
CREATE VIEW vitrine_sql.products AS
SELECT p.sku, p.title, p.description, p.brand, p.category, split_part(p.category, '/', 1) AS department,
       p.current_price AS price, p.price AS regular_price, p.sale_price, p.currency, p.stock,
       COALESCE(p.stock > 0, true) AS in_stock, p.attributes, p.status, p.item_group, p.image_sha256,
       p.embedding::halfvec AS embedding, p.embedding_source, p.embedding_model AS model_id, p.created_at, p.updated_at
FROM product AS p
WHERE p.status = 'live';
COMMENT ON VIEW vitrine_sql.products IS
    'Live products, one row a SKU. Order by embedding <=> (SELECT embed_text(''red mug'')) for the nearest.'

-- name: all_products
-- The same, whatever the status. A column of its own, and not a mark in `products`: whoever forgets the condition counts
-- what the shop does not sell.
CREATE VIEW vitrine_sql.all_products AS
SELECT p.sku, p.title, p.description, p.brand, p.category, split_part(p.category, '/', 1) AS department,
       p.current_price AS price, p.price AS regular_price, p.sale_price, p.currency, p.stock,
       COALESCE(p.stock > 0, true) AS in_stock, p.attributes, p.status, p.item_group, p.image_sha256,
       p.embedding::halfvec AS embedding, p.embedding_source, p.embedding_model AS model_id, p.created_at, p.updated_at
FROM product AS p;
COMMENT ON VIEW vitrine_sql.all_products IS
    'Products of every status (live, draft, hidden, trash), with the columns of products.'

-- name: images
-- Pictures of the image store.
CREATE VIEW vitrine_sql.images AS
SELECT i.sha256, i.media_type, i.width, i.height, i.bytes,
       substr(i.sha256, 1, 2) || '/' || substr(i.sha256, 3, 2) || '/' || i.sha256
           || CASE i.media_type WHEN 'image/jpeg' THEN '.jpg' WHEN 'image/png' THEN '.png'
                                WHEN 'image/webp' THEN '.webp' ELSE '.gif' END AS file,
       i.created_at
FROM image AS i;
COMMENT ON VIEW vitrine_sql.images IS 'Pictures, each once, under the SHA-256 of its bytes.'

-- name: product_images
-- Which product shows which picture: at place 0 the one that it is found by, behind it the further ones.
CREATE VIEW vitrine_sql.product_images AS
SELECT p.sku, 0::smallint AS place, p.image_sha256 AS sha256, COALESCE(said.alt, '') AS alt
FROM product AS p
LEFT JOIN product_picture AS said ON said.sku = p.sku AND said.sha256 = p.image_sha256
WHERE p.image_sha256 IS NOT NULL
UNION ALL
SELECT more.sku, more.place, more.sha256, more.alt
FROM product_picture AS more
JOIN product AS p ON p.sku = more.sku
WHERE more.sha256 IS DISTINCT FROM p.image_sha256;
COMMENT ON VIEW vitrine_sql.product_images IS
    'Pictures of each product; place 0 is the one that its embedding was made from.'

-- name: searches_by_day
-- Days are those of UTC.
CREATE VIEW vitrine_sql.searches_by_day AS
SELECT (e.at AT TIME ZONE 'UTC')::date AS day, e.origin, e.kind, count(*) AS searches,
       count(*) FILTER (WHERE e.total = 0) AS without_results, count(c.event) AS clicked,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.milliseconds) AS median_ms
FROM search_event AS e
LEFT JOIN (SELECT DISTINCT event FROM search_click) AS c ON c.event = e.id
GROUP BY 1, 2, 3;
COMMENT ON VIEW vitrine_sql.searches_by_day IS
    'Searches by day (UTC), where they came from (shop, api) and what they were made by (words, picture, product, browse).'

-- name: queries_by_day
-- What is typed can be personal, and what hardly anybody types the more so. A text is shown once it was searched for
-- {least_searches} times in what is kept; of all others there is one row a day, without their words.
--
-- The counting is done in a function, here and in the next two: of a plain view the planner takes conditions down to the
-- searches themselves, where a function of the reader's own, an error or EXPLAIN ANALYZE would tell the rare ones.
CREATE FUNCTION vitrine_sql_inner.queries_by_day()
RETURNS TABLE (day date, query text, searches bigint, without_results bigint, clicked bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {search_path} AS $function$
SELECT (e.at AT TIME ZONE 'UTC')::date AS day, often.query, count(*) AS searches,
       count(*) FILTER (WHERE e.total = 0) AS without_results, count(c.event) AS clicked
FROM search_event AS e
LEFT JOIN (SELECT normalised AS query FROM search_event WHERE kind = 'words'
           GROUP BY normalised HAVING count(*) >= {least_searches}) AS often ON often.query = e.normalised
LEFT JOIN (SELECT DISTINCT event FROM search_click) AS c ON c.event = e.id
WHERE e.kind = 'words'
GROUP BY 1, 2
$function$;
CREATE VIEW vitrine_sql.queries_by_day AS SELECT * FROM vitrine_sql_inner.queries_by_day();
COMMENT ON VIEW vitrine_sql.queries_by_day IS
    'Queries in words by day (UTC). query IS NULL: all that were searched for fewer than {least_searches} times in what is kept.'

-- name: queries_without_results
-- By the same rule; the rare ones are not told apart here, and so are left out.
CREATE FUNCTION vitrine_sql_inner.queries_without_results()
RETURNS TABLE (query text, without_results bigint, searches bigint, narrowed bigint, last_day date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {search_path} AS $function$
SELECT e.normalised AS query, count(*) FILTER (WHERE e.total = 0) AS without_results, count(*) AS searches,
       count(*) FILTER (WHERE e.total = 0 AND e.narrowed) AS narrowed,
       (max(e.at) FILTER (WHERE e.total = 0) AT TIME ZONE 'UTC')::date AS last_day
FROM search_event AS e
WHERE e.kind = 'words'
GROUP BY e.normalised
HAVING count(*) >= {least_searches} AND bool_or(e.total = 0)
$function$;
CREATE VIEW vitrine_sql.queries_without_results AS SELECT * FROM vitrine_sql_inner.queries_without_results();
COMMENT ON VIEW vitrine_sql.queries_without_results IS
    'Queries in words that found nothing, of those that were searched for at least {least_searches} times.'

-- name: clicks
-- By day, product and query, rare queries without their words. Nothing tells one searcher from another.
CREATE FUNCTION vitrine_sql_inner.clicks()
RETURNS TABLE (day date, sku text, query text, clicks bigint, mean_position double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {search_path} AS $function$
SELECT (c.at AT TIME ZONE 'UTC')::date AS day, c.sku, often.query, count(*) AS clicks,
       avg(c.position)::double precision AS mean_position
FROM search_click AS c
JOIN search_event AS e ON e.id = c.event
LEFT JOIN (SELECT normalised AS query FROM search_event WHERE kind = 'words'
           GROUP BY normalised HAVING count(*) >= {least_searches}) AS often
    ON often.query = e.normalised AND e.kind = 'words'
GROUP BY 1, 2, 3
$function$;
CREATE VIEW vitrine_sql.clicks AS SELECT * FROM vitrine_sql_inner.clicks();
COMMENT ON VIEW vitrine_sql.clicks IS
    'Clicks by day (UTC), product and query. query IS NULL: a picture, a product, or words that are rarely searched for.'

-- name: embedding_coverage
-- One row a brand, so that sums over it are the shop's. What counts as outdated stands in embedding_gaps() too.
CREATE VIEW vitrine_sql.embedding_coverage AS
SELECT p.brand, count(*) AS live,
       count(*) FILTER (WHERE p.embedding_source = 'image') AS by_picture,
       count(*) FILTER (WHERE p.embedding_source = 'text') AS by_title,
       count(*) FILTER (WHERE p.embedding_source IS NULL) AS without_vector,
       count(*) FILTER (WHERE p.embedding_source = 'text' AND p.image_sha256 IS NULL
                              AND p.embedded_text IS DISTINCT FROM p.title) AS outdated
FROM product AS p
WHERE p.status = 'live'
GROUP BY p.brand;
COMMENT ON VIEW vitrine_sql.embedding_coverage IS 'Live products by brand: which have a vector, and what it was made from.'

-- name: models
-- A model that was active more than once is one row.
CREATE VIEW vitrine_sql.models AS
SELECT m.id, m.name, m.revision, m.precision, m.dimension, m.state, m.digest, s.logit_scale, s.logit_bias,
       m.created_at AS first_used_at,
       (SELECT max(a.updated_at) FROM activation AS a WHERE a.model = m.id AND a.phase = 'done') AS activated_at
FROM embedding_model AS m
LEFT JOIN vitrine_sql_inner.model_scale AS s ON s.digest = m.digest;
COMMENT ON VIEW vitrine_sql.models IS
    'Models that made embeddings. active: those in products.embedding. previous: the one before; retired: no vectors are left.'

-- name: categories
-- Every path and every beginning of one, with the live products at it and below.
CREATE VIEW vitrine_sql.categories AS
WITH own AS (
    SELECT p.category, string_to_array(p.category, '/') AS parts, count(*) AS products
    FROM product AS p
    WHERE p.status = 'live' AND p.category IS NOT NULL
    GROUP BY p.category
), along AS (
    SELECT array_to_string(own.parts[1:depth], '/') COLLATE "C" AS category, depth, own.products,
           depth = cardinality(own.parts) AS is_own
    FROM own, generate_series(1, cardinality(own.parts)) AS depth
)
SELECT a.category, (string_to_array(a.category, '/'))[a.depth] AS name,
       NULLIF(array_to_string((string_to_array(a.category, '/'))[1:a.depth - 1], '/'), '') AS parent, a.depth,
       sum(a.products)::bigint AS products, COALESCE(sum(a.products) FILTER (WHERE a.is_own), 0)::bigint AS own_products
FROM along AS a
GROUP BY a.category, a.depth;
COMMENT ON VIEW vitrine_sql.categories IS
    'The tree of categories. products: live ones at a path and below it; own_products: those at it alone.'

-- name: brands
-- Brands of live products.
CREATE VIEW vitrine_sql.brands AS
SELECT p.brand, count(*) AS products, count(*) FILTER (WHERE COALESCE(p.stock > 0, true)) AS in_stock,
       count(*) FILTER (WHERE p.current_price < p.price) AS on_sale,
       count(DISTINCT split_part(p.category, '/', 1)) AS departments
FROM product AS p
WHERE p.status = 'live' AND p.brand IS NOT NULL
GROUP BY p.brand;
COMMENT ON VIEW vitrine_sql.brands IS 'Brands with their live products.'
