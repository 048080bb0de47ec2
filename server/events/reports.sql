-- name: by_day
-- Searches, by day of UTC and where they came from: how many found nothing, were clicked in, and how long they took.
SELECT (e.at AT TIME ZONE 'UTC')::date AS day, e.origin, count(*) AS searches,
       count(*) FILTER (WHERE e.total = 0) AS without_results, count(c.event) AS clicked,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.milliseconds) AS median_ms
FROM search_event AS e
LEFT JOIN (SELECT DISTINCT event FROM search_click) AS c ON c.event = e.id
WHERE e.at > now() - make_interval(days => %(days)s)
GROUP BY 1, 2
ORDER BY 1 DESC, 2

-- name: queries
-- Queries in words, in three lists: the most frequent, the slowest, and those that find something nobody clicks.
WITH q AS MATERIALIZED (
    SELECT (array_agg(e.query ORDER BY e.at DESC))[1] AS query, count(*) AS searches, count(c.event) AS clicked,
           (sum(c.positions) / sum(c.clicks))::float8 AS mean_position, max(e.total) AS found,
           (array_agg(e.total_is_exact ORDER BY e.total DESC))[1] AS is_exact,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY e.milliseconds) AS slow_ms,
           mode() WITHIN GROUP (ORDER BY e.path) AS path
    FROM search_event AS e
    LEFT JOIN (SELECT event, count(*) AS clicks, sum(position) AS positions FROM search_click GROUP BY event) AS c
        ON c.event = e.id
    WHERE e.kind = 'words' AND e.at > now() - make_interval(days => %(days)s)
    GROUP BY e.normalised
)
(SELECT 'top' AS list, q.* FROM q ORDER BY searches DESC, query LIMIT %(most)s)
UNION ALL
(SELECT 'slow', q.* FROM q WHERE slow_ms >= %(slow)s ORDER BY slow_ms DESC, query LIMIT %(most)s)
UNION ALL
(SELECT 'unclicked', q.* FROM q WHERE clicked = 0 AND found > 0 ORDER BY searches DESC, query LIMIT %(most)s)

-- name: without_results
-- Queries in words that found nothing, how often, and how often of these beside filters that were chosen.
SELECT (array_agg(query ORDER BY at DESC))[1] AS query, count(*) AS searches,
       count(*) FILTER (WHERE narrowed) AS narrowed, max(at) AS last_at
FROM search_event
WHERE kind = 'words' AND total = 0 AND at > now() - make_interval(days => %(days)s)
GROUP BY normalised
ORDER BY count(*) FILTER (WHERE NOT narrowed) DESC, searches DESC, query
LIMIT %(most)s

-- name: clicks_by_product
-- Products by how often they were clicked, the mean place where they stood, and the query that most clicks came from.
SELECT c.sku, p.title, coalesce(p.status = 'live', false) AS is_live, count(*) AS clicks,
       avg(c.position)::float8 AS mean_position,
       mode() WITHIN GROUP (ORDER BY e.query) FILTER (WHERE e.kind = 'words') AS query
FROM search_click AS c
JOIN search_event AS e ON e.id = c.event
LEFT JOIN product AS p ON p.sku = c.sku
WHERE e.at > now() - make_interval(days => %(days)s)
GROUP BY c.sku, p.title, p.status
ORDER BY clicks DESC, c.sku
LIMIT %(most)s
