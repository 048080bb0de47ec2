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
-- What others have built upon the surface, and would go with it: views, functions, columns of its types. schemas: what is
-- taken away. kept: functions in them that stay.
WITH inside AS (
    SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = ANY (%(schemas)s)
), ours AS (
    SELECT 'pg_class'::regclass AS class, c.oid, true AS goes FROM pg_class AS c JOIN inside ON inside.oid = c.relnamespace
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, true FROM pg_type AS t JOIN inside ON inside.oid = t.typnamespace
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, p.proname <> ALL (%(kept)s)
    FROM pg_proc AS p JOIN inside ON inside.oid = p.pronamespace
), built AS (
    -- Views, defaults and constraints depend by rows of their own; whose they are is what tells something.
    SELECT CASE WHEN owner.oid IS NULL THEN found.classid ELSE 'pg_class'::regclass END AS class,
           COALESCE(owner.oid, found.objid) AS object, CASE WHEN owner.oid IS NULL THEN found.objsubid ELSE 0 END AS part
    FROM pg_depend AS found
    JOIN ours ON ours.class = found.refclassid AND ours.oid = found.refobjid AND ours.goes
    LEFT JOIN pg_rewrite AS rule ON found.classid = 'pg_rewrite'::regclass AND rule.oid = found.objid
    LEFT JOIN pg_attrdef AS filled ON found.classid = 'pg_attrdef'::regclass AND filled.oid = found.objid
    LEFT JOIN pg_constraint AS rules ON found.classid = 'pg_constraint'::regclass AND rules.oid = found.objid
    LEFT JOIN pg_class AS owner ON owner.oid = COALESCE(rule.ev_class, filled.adrelid, rules.conrelid)
    WHERE found.deptype <> 'i'
)
SELECT DISTINCT pg_describe_object(built.class, built.object, built.part)
FROM built
WHERE NOT EXISTS (SELECT FROM ours WHERE ours.class = built.class AND ours.oid = built.object)
ORDER BY 1

-- name: left_behind
-- What else somebody keeps in the schemas, once all of ours is out of them.
SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_depend AS d
WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n'
  AND d.refobjid IN (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname IN ('vitrine_sql', 'vitrine_sql_inner'))
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

-- name: drop_tables
-- What the surface remembers of itself.
DROP TABLE IF EXISTS vitrine_sql_inner.installed, vitrine_sql_inner.model_scale

-- name: drop_schemas
-- Both, and empty: no CASCADE, which would take what others keep there.
DROP SCHEMA IF EXISTS vitrine_sql, vitrine_sql_inner

-- name: note_scale
-- What turns the cosines of a model into logits.
INSERT INTO vitrine_sql_inner.model_scale (digest, logit_scale, logit_bias)
VALUES (%(digest)s, %(logit_scale)s, %(logit_bias)s)
ON CONFLICT (digest) DO UPDATE SET logit_scale = excluded.logit_scale, logit_bias = excluded.logit_bias

-- name: active_model
-- The model that made the catalogue's embeddings.
SELECT name, revision, digest FROM embedding_model WHERE state = 'active'
