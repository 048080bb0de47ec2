-- name: lock
-- One installation at a time; the lock goes with the transaction.
SELECT pg_advisory_xact_lock(%(key)s)

-- name: schemas
-- The schema of Vitrine's tables and that of pgvector; no row where there are none.
SELECT n.nspname, v.nspname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace,
     pg_extension AS e JOIN pg_namespace AS v ON v.oid = e.extnamespace
WHERE c.oid = to_regclass('alembic_version') AND e.extname = 'vector'

-- name: look_there
-- For this transaction: where tables and vectors lie, time for all that is to be done, and not too much for others.
SELECT set_config('search_path', %(path)s, true), set_config('statement_timeout', '0', true),
       set_config('lock_timeout', %(patience)s, true)

-- name: is_there
-- Whether the surface was ever installed here.
SELECT to_regclass('vitrine_sql_inner.installed') IS NOT NULL

-- name: installed
-- What is installed, and which of its views there are.
SELECT i.version, i.fingerprint, i.role, i.made_role, i.currency,
       ARRAY(SELECT c.relname::text FROM pg_class AS c
             WHERE c.relnamespace = 'vitrine_sql'::regnamespace AND c.relkind = 'v' ORDER BY 1),
       EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = i.role)
FROM vitrine_sql_inner.installed AS i

-- name: note
-- What is installed from now on.
INSERT INTO vitrine_sql_inner.installed (version, fingerprint, role, made_role, currency)
VALUES (%(version)s, %(fingerprint)s, %(role)s, %(made_role)s, %(currency)s)
ON CONFLICT (one) DO UPDATE
SET version = excluded.version, fingerprint = excluded.fingerprint, role = excluded.role,
    made_role = excluded.made_role, currency = excluded.currency, installed_at = now()

-- name: note_taken_down
-- Until the surface is made again, nothing of it is there.
UPDATE vitrine_sql_inner.installed SET fingerprint = ''

-- name: upon
-- What others have built upon the surface, and would go with it.
SELECT DISTINCT pg_describe_object('pg_class'::regclass, view.oid, 0)
FROM pg_depend AS found
JOIN pg_class AS ours ON found.refclassid = 'pg_class'::regclass AND ours.oid = found.refobjid
JOIN pg_rewrite AS rule ON found.classid = 'pg_rewrite'::regclass AND rule.oid = found.objid
JOIN pg_class AS view ON view.oid = rule.ev_class
WHERE ours.relnamespace = 'vitrine_sql'::regnamespace AND view.relnamespace <> 'vitrine_sql'::regnamespace
ORDER BY 1

-- name: parts
-- Statements that take away all of the surface but its tables and the text tower.
SELECT 'DROP VIEW ' || string_agg(format('%%I.%%I', n.nspname, c.relname), ', ')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'vitrine_sql' AND c.relkind = 'v'
UNION ALL
SELECT 'DROP ROUTINE ' || string_agg(p.oid::regprocedure::text, ', ')
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname IN ('vitrine_sql', 'vitrine_sql_inner') AND p.proname <> ALL (%(tower)s)
UNION ALL
SELECT 'DROP TYPE ' || string_agg(format('%%I.%%I', n.nspname, t.typname), ', ')
FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace JOIN pg_class AS c ON c.oid = t.typrelid
WHERE n.nspname IN ('vitrine_sql', 'vitrine_sql_inner') AND c.relkind = 'c'

-- name: make_schemas
-- Where the surface lies, and what only it may see.
CREATE SCHEMA IF NOT EXISTS vitrine_sql;
CREATE SCHEMA IF NOT EXISTS vitrine_sql_inner;
COMMENT ON SCHEMA vitrine_sql IS 'Views and functions for data teams; docs/sql.md has them all.';
COMMENT ON SCHEMA vitrine_sql_inner IS 'What vitrine_sql is made of. Not for use: it changes without notice.'

-- name: drop_schemas
-- All of it.
DROP SCHEMA IF EXISTS vitrine_sql CASCADE;
DROP SCHEMA IF EXISTS vitrine_sql_inner CASCADE

-- name: note_scale
-- What turns the cosines of a model into logits.
INSERT INTO vitrine_sql_inner.model_scale (digest, logit_scale, logit_bias)
VALUES (%(digest)s, %(logit_scale)s, %(logit_bias)s)
ON CONFLICT (digest) DO UPDATE SET logit_scale = excluded.logit_scale, logit_bias = excluded.logit_bias

-- name: active_model
-- The model that made the catalogue's embeddings.
SELECT name, revision, digest FROM embedding_model WHERE state = 'active'
