-- name: keep_search
-- A search. One that is there already was written before its confirmation was lost.
INSERT INTO search_event (id, at, origin, kind, query, normalised, mode, narrowed, total, total_is_exact, milliseconds,
                          path, complete)
VALUES (%(id)s, %(at)s, %(origin)s, %(kind)s, %(query)s, %(normalised)s, %(mode)s, %(narrowed)s, %(total)s,
        %(total_is_exact)s, %(milliseconds)s, %(path)s, %(complete)s)
ON CONFLICT (id) DO NOTHING

-- name: known
-- Which of these searches there are, of those that are recent enough to be clicked in.
SELECT id FROM search_event WHERE id = ANY(%(searches)s) AND at > now() - make_interval(secs => %(seconds)s)

-- name: keep_clicks
-- Clicks in searches that are known: each product once a search, only products that there are, and so many a search.
INSERT INTO search_click (event, sku, position, at)
SELECT c.event, c.sku, c.position, c.at
FROM (SELECT e.id AS event, g.sku, g.position, g.at, row_number() OVER (PARTITION BY e.id ORDER BY g.n) AS number
      FROM unnest(%(searches)s::uuid[], %(skus)s::text[], %(positions)s::integer[], %(times)s::timestamptz[])
           WITH ORDINALITY AS g (search, sku, position, at, n)
      JOIN search_event AS e ON e.id = g.search
      JOIN product AS p ON p.sku = g.sku) AS c
WHERE c.number + (SELECT count(*) FROM search_click AS before WHERE before.event = c.event) <= %(most)s
ON CONFLICT DO NOTHING

-- name: forget_older
-- Searches of more than so many days ago, with their clicks.
DELETE FROM search_event WHERE at < now() - make_interval(days => %(days)s)

-- name: forget_query
-- Every search for a text, with its clicks.
DELETE FROM search_event WHERE normalised = %(normalised)s

-- name: forget_all
-- Every search, with its clicks.
DELETE FROM search_event
