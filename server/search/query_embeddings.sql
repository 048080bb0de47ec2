-- name: find
-- The vector that a model made of a text before.
SELECT q.embedding
FROM query_embedding AS q
JOIN embedding_model AS m ON m.id = q.model
WHERE m.digest = %(digest)s AND q.text_hash = %(text_hash)s

-- name: be_patient
-- For this transaction: how long to wait for others' rows.
SELECT set_config('lock_timeout', %(wait)s, true)

-- name: keep
-- Vectors of one model, together. Of a model that the database does not have, none.
INSERT INTO query_embedding (model, text_hash, embedding)
SELECT m.id, made.text_hash, made.embedding
FROM unnest(%(hashes)s::bytea[], %(vectors)s::halfvec[]) WITH ORDINALITY AS made (text_hash, embedding, n)
JOIN embedding_model AS m ON m.digest = %(digest)s
ORDER BY made.n
ON CONFLICT DO NOTHING

-- name: forget
-- All but the newest; made_at breaks no ties, so a few more may go.
DELETE FROM query_embedding
WHERE made_at <= (SELECT made_at FROM query_embedding ORDER BY made_at DESC OFFSET %(most)s LIMIT 1)
