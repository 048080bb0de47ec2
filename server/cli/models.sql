-- name: model_state
-- What a database does with the model of this digest: active, candidate, previous, retired.
SELECT state FROM embedding_model WHERE digest = %(digest)s
