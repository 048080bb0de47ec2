-- name: model_state
-- What a database does with the model of this digest: active, candidate, previous, retired.
SELECT state FROM embedding_model WHERE digest = %(digest)s

-- name: model_columns
-- How many of the columns that model_state reads there are; no row where the table is not there.
SELECT (
    SELECT count(*)
    FROM pg_attribute
    WHERE attrelid = found.oid AND attname IN ('digest', 'state') AND NOT attisdropped
)
FROM to_regclass('embedding_model') AS found (oid)
WHERE found.oid IS NOT NULL
