-- name: model_state
-- What a database does with the model of this digest: active, candidate, previous, retired.
SELECT state FROM embedding_model WHERE digest = %(digest)s

-- name: model_states
-- The models whose vectors a database holds, each with what it does with them.
SELECT digest, state FROM embedding_model WHERE state <> 'retired'
