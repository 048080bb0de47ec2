-- name: try_lock
-- One activation at a time. The lock is the session's: it is gone however the process ends.
SELECT pg_try_advisory_lock(%(key)s)

-- name: unlock
-- The end of it, told before the session's own.
SELECT pg_advisory_unlock(%(key)s)

-- name: lock_holder
-- The process of the database that has the lock above.
SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND datname = current_database()
  AND classid::bigint = %(high)s AND objid::bigint = %(low)s

-- name: end_session
-- End the session of an activation that is to stop; the number may be another one's by then.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %(pid)s AND application_name LIKE %(application)s

-- name: measured
-- How many products a second were embedded when an activation of each model was measured last, the newest at the end.
SELECT model.digest, model.name, activation.per_second
FROM activation JOIN embedding_model AS model ON model.id = activation.model
WHERE activation.per_second > 0
ORDER BY activation.id

-- name: to_embed
-- How many products there are, and how many of them lack the vector of the model beside the active one; how many
-- pictures they have beside their first ones.
SELECT count(*), count(*) FILTER (WHERE embedding_other IS NULL),
       (SELECT count(*) FROM product_picture WHERE place > 0)
FROM product

-- name: models
-- The models whose vectors the table holds: the active one, and the one beside it.
SELECT id, name, revision, digest, dimension, state FROM embedding_model
WHERE state IN ('active', 'candidate', 'previous')

-- name: ownership
-- Who owns the product table, who we are, and whether that is enough to change the table.
SELECT quote_ident(pg_get_userbyid(relowner)), quote_ident(current_user), pg_has_role(relowner, 'USAGE')
FROM pg_class WHERE oid = 'product'::regclass

-- name: other_dimension
-- How many numbers the column beside the active one takes.
SELECT atttypmod FROM pg_attribute WHERE attrelid = 'product'::regclass AND attname = 'embedding_other'

-- name: empty_other_slot
-- Makes the columns of the other slot anew, for vectors of {dimension} numbers. The constraints hold for what is
-- written from now on and are validated when all is filled: nothing is read while the table is locked.
ALTER TABLE product
    DROP COLUMN embedding_other,
    DROP COLUMN embedding_other_model,
    DROP COLUMN embedding_other_source,
    DROP COLUMN embedded_other_text;
ALTER TABLE product
    ADD COLUMN embedding_other halfvec({dimension}),
    ADD COLUMN embedding_other_model integer
        CONSTRAINT product_embedding_other_model_fkey REFERENCES embedding_model (id),
    ADD COLUMN embedding_other_source text,
    ADD COLUMN embedded_other_text text,
    ADD CONSTRAINT product_embedding_other_source_check CHECK (embedding_other_source IN ('image', 'text')) NOT VALID,
    ADD CONSTRAINT product_embedding_other_is_whole
        CHECK (num_nulls(embedding_other, embedding_other_model, embedding_other_source) IN (0, 3)) NOT VALID,
    ADD CONSTRAINT product_image_embedding_other_has_image
        CHECK (embedding_other_source <> 'image' OR image_sha256 IS NOT NULL) NOT VALID,
    ADD CONSTRAINT product_embedded_other_text_is_for_text
        CHECK ((embedding_other_source = 'text') = (embedded_other_text IS NOT NULL)) NOT VALID;
ALTER TABLE product ALTER COLUMN embedding_other SET STORAGE PLAIN

-- name: retire_others
-- The models whose vectors are gone with the columns.
UPDATE embedding_model SET state = 'retired' WHERE state IN ('candidate', 'previous')

-- name: register_candidate
-- The model whose vectors are to be made.
INSERT INTO embedding_model (name, revision, precision, dimension, digest, state)
VALUES (%(name)s, %(revision)s, %(precision)s, %(dimension)s, %(digest)s, 'candidate')
ON CONFLICT (digest) DO UPDATE SET state = 'candidate', name = excluded.name, revision = excluded.revision
RETURNING id

-- name: leave_others
-- Activations of other models that were given up for this one.
UPDATE activation SET phase = 'left', updated_at = now() WHERE phase NOT IN ('done', 'left') AND model <> %(model)s

-- name: leave_begun
-- The activation under way is given up for the model in use; a candidate's vectors are nobody's from now on.
WITH left_behind AS (
    UPDATE activation SET phase = 'left', updated_at = now() WHERE phase NOT IN ('done', 'left') RETURNING model
), retired AS (
    UPDATE embedding_model SET state = 'retired'
    WHERE state = 'candidate' AND id IN (SELECT model FROM left_behind)
    RETURNING id
)
SELECT model.name, model.id IN (SELECT id FROM retired) AS is_retired
FROM left_behind JOIN embedding_model AS model ON model.id = left_behind.model

-- name: begin_activation
-- Remembers that this model is on its way in. One that was interrupted goes on.
INSERT INTO activation (model) VALUES (%(model)s) ON CONFLICT DO NOTHING

-- name: set_totals
-- What there is to do, counted when the work begins or goes on.
UPDATE activation
SET phase = 'fill', per_second = NULL, updated_at = now(), total = counted.total, filled = counted.filled
FROM (SELECT count(*) AS total, count(embedding_other) AS filled FROM product) AS counted
WHERE phase NOT IN ('done', 'left')
RETURNING activation.filled, activation.total

-- name: add_total
-- Further pictures of products, which are embedded behind the products.
UPDATE activation SET total = total + %(pictures)s WHERE phase NOT IN ('done', 'left')

-- name: add_filled
-- How far the vectors are.
UPDATE activation SET filled = filled + %(filled)s, per_second = %(per_second)s, updated_at = now()
WHERE phase NOT IN ('done', 'left')

-- name: set_phase
-- What is being done now, and how long the parts took so far.
UPDATE activation
SET phase = %(phase)s, updated_at = now(), fill_seconds = fill_seconds + %(fill_seconds)s,
    index_seconds = index_seconds + %(index_seconds)s
WHERE phase NOT IN ('done', 'left')

-- name: gaps
-- Products without a vector of the model that is on its way in, in the order of the SKUs. `findable`: words find it
-- today. Rows that others hold are left to a later round before anything is embedded for them; the lock itself is gone
-- with the statement.
SELECT p.sku, p.title, p.image_sha256, image.media_type, p.status = 'live',
       p.embedding IS NOT NULL AND p.status = 'live' AS findable
FROM product AS p
LEFT JOIN image ON image.sha256 = p.image_sha256
WHERE p.embedding_other IS NULL AND p.sku > %(after)s AND (p.status = 'live' OR NOT %(only_live)s::boolean)
ORDER BY p.sku
LIMIT %(limit)s
FOR NO KEY UPDATE OF p SKIP LOCKED

-- name: held_gaps
-- The products that still lack a vector and are in rows that other transactions hold.
WITH free AS (
    SELECT sku FROM product WHERE embedding_other IS NULL AND sku <> ALL (%(lost)s) FOR NO KEY UPDATE SKIP LOCKED
)
SELECT sku FROM product
WHERE embedding_other IS NULL AND sku <> ALL (%(lost)s) AND NOT EXISTS (SELECT FROM free WHERE free.sku = product.sku)

-- name: holders
-- Whose transactions hold the table or rows of it, the oldest first. Who only reads keeps nobody from a row. A session
-- of another role shows no time, a prepared transaction no process.
SELECT held.pid, COALESCE(activity.application_name, ''),
       COALESCE(extract(epoch FROM clock_timestamp() - activity.xact_start), 0)::float8
FROM (SELECT DISTINCT pid FROM pg_locks
      WHERE locktype = 'relation' AND relation = 'product'::regclass AND granted AND pid IS DISTINCT FROM pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (%(readers)s OR mode NOT IN ('AccessShareLock', 'ShareUpdateExclusiveLock'))) AS held
LEFT JOIN pg_stat_activity AS activity ON activity.pid = held.pid
ORDER BY activity.xact_start NULLS LAST
LIMIT 3

-- name: lock_gaps
-- Those that nobody else holds: one forgotten transaction would else stop the fill, and the fill everybody who writes
-- to the rows that it has locked already.
SELECT sku FROM product WHERE sku = ANY (%(sku)s) ORDER BY sku FOR NO KEY UPDATE SKIP LOCKED

-- name: fill
-- Vectors, for the products that still have the picture or the title that they were made from.
UPDATE product
SET embedding_other = new.embedding,
    embedding_other_model = %(model)s,
    embedding_other_source = new.source,
    embedded_other_text = new.text
FROM unnest(%(sku)s::text[], %(image_sha256)s::text[], %(embedding)b::halfvec[], %(source)s::text[], %(text)s::text[])
     AS new (sku, image_sha256, embedding, source, text)
WHERE product.sku = new.sku
  AND product.embedding_other IS NULL
  AND product.image_sha256 IS NOT DISTINCT FROM new.image_sha256
  AND (new.source = 'image' OR product.title = new.text)

-- name: has_gap
-- Whether a switch would take a product out of the search. What the active model has no vector of is not found today
-- either, and a lost picture of a product that is not in the shop keeps nobody from switching.
SELECT EXISTS (
    SELECT FROM product
    WHERE embedding_other IS NULL AND embedding IS NOT NULL AND (status = 'live' OR sku <> ALL (%(lost)s))
)

-- name: index_state
-- Whether an index is there, and whether a killed CREATE INDEX CONCURRENTLY left it unfinished.
SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%(index)s)

-- name: index_share
-- What share of the table an index on it that is being built has read.
SELECT blocks_done::float8 / NULLIF(blocks_total, 0) FROM pg_stat_progress_create_index
WHERE relid = 'product'::regclass LIMIT 1

-- name: index_options
-- What somebody may have tuned on the index (m, ef_construction).
SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = to_regclass(%(index)s)

-- name: unvalidated
-- Our own constraints that were made while the table was locked and hold for new rows alone so far. A shop may have
-- such of its own that its old rows do not keep.
SELECT quote_ident(conname) FROM pg_constraint
WHERE conrelid = 'product'::regclass AND NOT convalidated AND conname = ANY (%(names)s)

-- name: leave_active
-- The first half of the switch in embedding_model: at most one model is active.
UPDATE embedding_model SET state = 'previous' WHERE state = 'active'

-- name: make_active
-- The second half.
UPDATE embedding_model SET state = 'active' WHERE id = %(model)s

-- name: progress
-- The activation under way, or the last one, and the session that is at it, which tells by its name what it waits for.
SELECT model.name, model.revision, model.digest, activation.phase, activation.filled, activation.total,
       activation.per_second, activation.fill_seconds, activation.index_seconds,
       activation.started_at, activation.updated_at,
       worker.pid, COALESCE(substring(worker.application_name FROM 'waits for ([0-9]+)'), '0')::integer AS waits_for,
       building.blocks_done::float8 / NULLIF(building.blocks_total, 0) AS index_share,
       NULLIF(building.current_locker_pid, 0) AS index_waits_for
FROM activation
JOIN embedding_model AS model ON model.id = activation.model
LEFT JOIN (
    SELECT pg_locks.pid, application_name
    FROM pg_locks
    JOIN pg_database ON pg_database.oid = pg_locks.database
    LEFT JOIN pg_stat_activity AS activity ON activity.pid = pg_locks.pid
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pg_database.datname = current_database()
      AND classid::bigint = %(high)s AND objid::bigint = %(low)s
    LIMIT 1
) AS worker ON true
LEFT JOIN pg_stat_progress_create_index AS building ON building.pid = worker.pid
ORDER BY activation.phase IN ('done', 'left'), activation.id DESC
LIMIT 1

-- name: coverage
-- Live products that no words can find, because the active model made no vector of them.
SELECT count(*) FROM product WHERE embedding IS NULL AND status = 'live'
