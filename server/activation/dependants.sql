-- name: dependants
-- What hangs on columns of the product table by their number, and so would stay with the old model's when names change
-- places. Indexes, constraints and statistics of the table itself are not told.
SELECT DISTINCT CASE WHEN rule.rulename <> '_RETURN' THEN 'rule' ELSE COALESCE(view.relkind::text, '') END AS kind,
       view.oid AS view, pg_describe_object(found.classid, found.objid, 0) AS description,
       COALESCE(quote_ident(space.nspname) || '.' || quote_ident(view.relname), '') AS name,
       COALESCE(pg_has_role(view.relowner, 'USAGE'), true) AS owned,
       COALESCE(quote_ident(pg_get_userbyid(view.relowner)), '') AS owner,
       COALESCE(pg_is_other_temp_schema(space.oid), false) AS elsewhere,
       EXISTS (SELECT FROM pg_attribute AS shown WHERE shown.attrelid = view.oid AND shown.atttypmod > 0
               AND shown.atttypid = 'halfvec'::regtype) AS shows_dimension
FROM pg_depend AS found
JOIN pg_attribute AS col ON col.attrelid = found.refobjid AND col.attnum = found.refobjsubid
LEFT JOIN pg_rewrite AS rule ON found.classid = 'pg_rewrite'::regclass AND rule.oid = found.objid
LEFT JOIN pg_class AS view ON view.oid = rule.ev_class
LEFT JOIN pg_namespace AS space ON space.oid = view.relnamespace
WHERE found.refclassid = 'pg_class'::regclass AND found.refobjid = 'product'::regclass
  AND col.attname = ANY (%(columns)s)
  AND found.classid NOT IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_statistic_ext'::regclass)

-- name: views_upon
-- Materialized views over these views, or over views over them: they hold what the views showed when they were filled.
WITH RECURSIVE upon AS (
    SELECT unnest(%(views)s::oid[]) AS relation
    UNION
    SELECT rule.ev_class
    FROM upon
    JOIN pg_depend AS found ON found.refclassid = 'pg_class'::regclass AND found.refobjid = upon.relation
    JOIN pg_rewrite AS rule ON found.classid = 'pg_rewrite'::regclass AND rule.oid = found.objid
)
SELECT quote_ident(space.nspname) || '.' || quote_ident(view.relname)
FROM upon
JOIN pg_class AS view ON view.oid = upon.relation
JOIN pg_namespace AS space ON space.oid = view.relnamespace
WHERE view.relkind = 'm'
ORDER BY 1

-- name: bound_objects
-- Indexes, constraints and statistics on columns of the product table, but for those that change names with them.
SELECT DISTINCT pg_describe_object(found.classid, found.objid, 0)
FROM pg_depend AS found
JOIN pg_attribute AS col ON col.attrelid = found.refobjid AND col.attnum = found.refobjsubid
LEFT JOIN pg_class AS index ON found.classid = 'pg_class'::regclass AND index.oid = found.objid
LEFT JOIN pg_constraint AS con ON found.classid = 'pg_constraint'::regclass AND con.oid = found.objid
WHERE found.refclassid = 'pg_class'::regclass AND found.refobjid = 'product'::regclass
  AND col.attname = ANY (%(columns)s)
  AND found.classid IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_statistic_ext'::regclass)
  AND COALESCE(index.relname, con.conname, '') <> ALL (%(known)s)
ORDER BY 1

-- name: view_definition
-- A view as it can be made again: its text, and what CREATE OR REPLACE VIEW would forget.
SELECT pg_get_viewdef(oid), array_to_string(reloptions, ', ') FROM pg_class WHERE oid = %(view)s

-- name: column_grantees
-- Who has rights on single columns, which stay with a column when its name goes to another.
SELECT DISTINCT CASE WHEN granted.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END
FROM pg_attribute AS col, aclexplode(col.attacl) AS granted
WHERE col.attrelid = 'product'::regclass AND col.attname = ANY (%(columns)s)

-- name: column_rights
-- These rights, to be given again by name.
SELECT format('GRANT %%s (%%I) ON product TO %%s%%s', granted.privilege_type, col.attname,
              CASE WHEN granted.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END,
              CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_attribute AS col, aclexplode(col.attacl) AS granted
WHERE col.attrelid = 'product'::regclass AND col.attname = ANY (%(columns)s)

-- name: column_comments
-- Comments stay with a column too.
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute
WHERE attrelid = 'product'::regclass AND attname = ANY (%(columns)s)
