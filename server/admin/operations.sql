-- name: sizes
-- The database, the products with their vectors and texts, and the index of the vectors.
SELECT pg_database_size(current_database()), pg_total_relation_size('product'),
       pg_relation_size('product_embedding_hnsw')

-- name: queue
-- How many jobs stand how, and when a worker was last heard of.
SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'),
       (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'),
       (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'),
       (SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds')

-- name: model
-- The model that made the products' vectors.
SELECT name || ' ' || revision FROM embedding_model WHERE state = 'active'
