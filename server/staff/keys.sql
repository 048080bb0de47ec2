-- name: add
-- A new key; no row where one that is not revoked has the name.
INSERT INTO api_key (name, beginning, sha256, scope, made_by)
VALUES (%(name)s, %(beginning)s, %(sha256)s, %(scope)s, %(made_by)s)
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
RETURNING id, name, beginning, scope, made_by, made_at, last_used_at, revoked_at

-- name: all
-- All keys, those that are revoked last.
SELECT id, name, beginning, scope, made_by, made_at, last_used_at, revoked_at
FROM api_key
ORDER BY revoked_at DESC NULLS FIRST, name

-- name: by_hash
-- The key of this hash, revoked or not.
SELECT id, name, beginning, scope, made_by, made_at, last_used_at, revoked_at FROM api_key WHERE sha256 = %(sha256)s

-- name: by_name
-- The key of this name that is not revoked.
SELECT id, name, beginning, scope, made_by, made_at, last_used_at, revoked_at
FROM api_key
WHERE name = %(name)s AND revoked_at IS NULL

-- name: revoke
-- No request is let in by this key from now on; no row where that was so already.
UPDATE api_key SET revoked_at = now()
WHERE id = %(id)s AND revoked_at IS NULL
RETURNING id, name, beginning, scope, made_by, made_at, last_used_at, revoked_at

-- name: used
-- Keys that were used. Of several processes one writes it, and none more than once a minute.
UPDATE api_key SET last_used_at = now()
WHERE id = ANY(%(ids)s) AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => %(seconds)s))
