-- name: sizes
-- The database, the products with their vectors and texts, and the index of the vectors, 0 while there is none.
SELECT pg_database_size(current_database()), pg_total_relation_size('product'),
       COALESCE(pg_relation_size(to_regclass('product_embedding_hnsw')), 0)

-- name: queue
-- How many jobs stand how.
SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'),
       (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'),
       (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed')

-- name: workers
-- How many workers were heard of within half a minute.
SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds'

-- name: products
-- How many products there are of each status.
SELECT status, count(*) FROM product GROUP BY status ORDER BY status

-- name: model
-- The model that made the products' vectors.
SELECT name, revision, left(digest, 12) FROM embedding_model WHERE state = 'active'
