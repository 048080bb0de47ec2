-- name: role
-- Whether there is such a role, whether it may log in, and what of it goes too far for somebody who only reads.
SELECT r.rolcanlogin,
       r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication
           OR pg_has_role(r.oid, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = 'product'::regclass), 'MEMBER')
FROM pg_roles AS r WHERE r.rolname = %(role)s

-- name: may_create_roles
-- Managed hosts let nobody do that.
SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user

-- name: excess
-- What the role may do beside the surface: read or change tables, make something in a schema, act as another role. Temporary
-- tables are everybody's.
SELECT format('read or change %%s (GRANT on it, or to PUBLIC)', c.oid::regclass)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('vitrine_sql', 'pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
  AND has_any_column_privilege(%(role)s, c.oid, 'SELECT, INSERT, UPDATE')
UNION ALL
SELECT format('make tables in the schema %%I: REVOKE CREATE ON SCHEMA %%I FROM PUBLIC', n.nspname, n.nspname)
FROM pg_namespace AS n
WHERE n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(%(role)s, n.oid, 'CREATE')
UNION ALL
SELECT format('act as the role %%I: REVOKE %%I FROM %%I', other.rolname, other.rolname, r.rolname)
FROM pg_roles AS r JOIN pg_auth_members AS m ON m.member = r.oid JOIN pg_roles AS other ON other.oid = m.roleid
WHERE r.rolname = %(role)s

-- name: where_it_may_make
-- Of these schemas, those where the role may make something, by itself or as everybody.
SELECT quote_ident(n.nspname) FROM pg_namespace AS n
WHERE n.nspname = ANY (%(schemas)s) AND has_schema_privilege(%(role)s, n.oid, 'CREATE')

-- name: load_vector
-- Settings of an extension are known once its library is loaded; before, only a superuser may set them for a role.
SELECT '[1]'::halfvec
