-- name: tables
-- How many tables there are, and whether they are Vitrine's.
SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public'), to_regclass('public.alembic_version') IS NOT NULL

-- name: has
-- Whether there is such a table.
SELECT to_regclass(%(table)s) IS NOT NULL

-- name: products
-- How many products would be lost.
SELECT count(*) FROM public.product

-- name: accounts
-- How many accounts would be lost.
SELECT count(*) FROM public.staff

-- name: users
-- How many connections servers, workers and commands of Vitrine have to this database, but for this one.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name IN ('vitrine', 'vitrine web', 'vitrine worker')

-- name: clear
-- Takes away what lies in the schema public and belongs to no extension. What hangs on it elsewhere goes with it.
DO $clear$
DECLARE
    command text;
    commands text[];
BEGIN
    -- Each list is made before the first of it goes: what is gone has no name any more.
    commands := ARRAY(
        SELECT format('DROP %s IF EXISTS %I.%I CASCADE',
                      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                                     WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
          AND NOT EXISTS (SELECT FROM pg_depend AS d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i')));
    FOREACH command IN ARRAY commands LOOP
        EXECUTE command;
    END LOOP;
    commands := ARRAY(
        SELECT format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', n.nspname, p.proname,
                      pg_get_function_identity_arguments(p.oid))
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public'
          AND NOT EXISTS (SELECT FROM pg_depend AS d
                          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i')));
    FOREACH command IN ARRAY commands LOOP
        EXECUTE command;
    END LOOP;
    commands := ARRAY(
        SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname)
        FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
        WHERE n.nspname = 'public' AND (t.typtype IN ('e', 'd', 'r')
              OR t.typtype = 'c' AND (SELECT relkind FROM pg_class WHERE oid = t.typrelid) = 'c')
          AND NOT EXISTS (SELECT FROM pg_depend AS d
                          WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype IN ('e', 'i')));
    FOREACH command IN ARRAY commands LOOP
        EXECUTE command;
    END LOOP;
END
$clear$

-- name: end_imports
-- Files of imports are in no backup: what waited for one is over, and what is kept of others is their record.
UPDATE import_run
SET error_file = NULL,
    problem = CASE WHEN state IN ('done', 'failed', 'cancelled') THEN problem
                   ELSE 'The shop was restored from a backup, which has no files of imports. Send it again.' END,
    finished_at = COALESCE(finished_at, now()),
    state = CASE WHEN state IN ('done', 'failed', 'cancelled') THEN state ELSE 'failed' END

-- name: forget_thumbnails
-- Thumbnails are in no backup: the worker makes them.
UPDATE image SET thumbnails_at = NULL WHERE thumbnails_at IS NOT NULL
