-- name: model_columns
-- How many of the columns that model_states reads there are; no row where the table is not there.
SELECT (
    SELECT count(*)
    FROM pg_attribute
    WHERE attrelid = found.oid AND attname IN ('digest', 'state') AND NOT attisdropped
)
FROM to_regclass('embedding_model') AS found (oid)
WHERE found.oid IS NOT NULL

-- name: model_states
-- The models whose vectors a database holds, each with what it does with them: active, candidate, previous.
SELECT digest, state FROM embedding_model WHERE state <> 'retired'
