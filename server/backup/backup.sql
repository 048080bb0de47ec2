-- name: patience
-- For this transaction, which waits while pg_dump reads.
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)

-- name: snapshot
-- What pg_dump is to see, so that it sees what this transaction sees.
SELECT pg_export_snapshot()

-- name: schema
-- The schema that Vitrine's tables lie in; no row: there are none.
SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass('alembic_version')

-- name: revision
-- The revision of the schema.
SELECT version_num FROM alembic_version

-- name: products
-- How many products there are.
SELECT count(*) FROM product

-- name: model
-- The model that made the products' vectors.
SELECT name, revision, digest FROM embedding_model WHERE state = 'active'

-- name: pictures
-- Every picture that the database names.
SELECT sha256, media_type FROM image ORDER BY sha256
