-- name: role
-- Whether there is such a role, whether it may log in, and what of it goes too far for somebody who only reads.
-- It may become any role that it is a member of, whatever it inherits.
SELECT r.rolcanlogin,
       EXISTS (SELECT FROM pg_roles AS o
               WHERE pg_has_role(r.oid, o.oid, 'MEMBER')
                 AND (o.rolsuper OR o.rolbypassrls OR o.rolcreaterole OR o.rolreplication
                      OR o.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files',
                                       'pg_read_all_data', 'pg_write_all_data')
                      OR o.oid = (SELECT c.relowner FROM pg_class AS c WHERE c.oid = 'product'::regclass)))
FROM pg_roles AS r WHERE r.rolname = %(role)s

-- name: may_create_roles
-- Managed hosts let nobody do that.
SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user

-- name: excess
-- What the role may do beside the surface: read or change tables, sequences and large objects, call with another's rights,
-- make something in a schema, act as another role; and what it has made. Temporary tables are everybody's.
SELECT format('read or change %%s (GRANT on it, or to PUBLIC)', c.oid::regclass)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('vitrine_sql', 'pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
  AND (has_any_column_privilege(%(role)s, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
       OR has_table_privilege(%(role)s, c.oid, 'DELETE, TRUNCATE, TRIGGER'))
UNION ALL
SELECT format('use the sequence %%s (GRANT on it, or to PUBLIC)', c.oid::regclass)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
-- The planner is free to ask of tables, too, which the function refuses.
WHERE CASE WHEN c.relkind = 'S' AND n.nspname !~ '^pg_temp' AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
           THEN has_sequence_privilege(%(role)s, c.oid, 'USAGE, SELECT, UPDATE') ELSE false END
UNION ALL
SELECT format('call %%s with the rights of %%I: REVOKE EXECUTE ON ROUTINE %%s FROM PUBLIC', p.oid::regprocedure,
              owner.rolname, p.oid::regprocedure)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_roles AS owner ON owner.oid = p.proowner
WHERE p.prosecdef AND n.nspname NOT IN ('vitrine_sql', 'pg_catalog', 'information_schema') AND owner.rolname <> %(role)s
  AND has_schema_privilege(%(role)s, n.oid, 'USAGE') AND has_function_privilege(%(role)s, p.oid, 'EXECUTE')
UNION ALL
SELECT format('read or change the large object %%s (GRANT on it, or to PUBLIC)', l.oid)
FROM pg_largeobject_metadata AS l
WHERE EXISTS (SELECT FROM aclexplode(l.lomacl) AS a JOIN pg_roles AS r ON r.rolname = %(role)s
              WHERE a.grantee <> l.lomowner
                AND CASE WHEN a.grantee = 0 THEN true ELSE pg_has_role(r.oid, a.grantee, 'USAGE') END)
UNION ALL
SELECT format('do as it likes with %%s, which it owns', pg_describe_object(d.classid, d.objid, d.objsubid))
FROM pg_shdepend AS d JOIN pg_roles AS r ON d.refclassid = 'pg_authid'::regclass AND r.oid = d.refobjid
WHERE r.rolname = %(role)s AND d.deptype = 'o'
  AND d.dbid IN (0, (SELECT b.oid FROM pg_database AS b WHERE b.datname = current_database()))
  AND pg_describe_object(d.classid, d.objid, d.objsubid) NOT LIKE '%%pg\_temp\_%%'
UNION ALL
SELECT format('make tables in the schema %%I: REVOKE CREATE ON SCHEMA %%I FROM PUBLIC', n.nspname, n.nspname)
FROM pg_namespace AS n
WHERE n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(%(role)s, n.oid, 'CREATE')
UNION ALL
SELECT format('act as the role %%I: REVOKE %%I FROM %%I', other.rolname, other.rolname, r.rolname)
FROM pg_roles AS r JOIN pg_auth_members AS m ON m.member = r.oid JOIN pg_roles AS other ON other.oid = m.roleid
WHERE r.rolname = %(role)s

-- name: owned
-- What the role owns in this database, or in the whole server: dropped with it, were nobody to look before.
SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_shdepend AS d
JOIN pg_roles AS r ON d.refclassid = 'pg_authid'::regclass AND r.oid = d.refobjid
WHERE r.rolname = %(role)s AND d.deptype = 'o'
  AND d.dbid IN (0, (SELECT b.oid FROM pg_database AS b WHERE b.datname = current_database()))
ORDER BY 1

-- name: members
-- Who has the rights of the role. Whoever makes a role is a member of it from Postgres 16 on.
SELECT who.rolname
FROM pg_auth_members AS m
JOIN pg_roles AS r ON r.oid = m.roleid
JOIN pg_roles AS who ON who.oid = m.member
WHERE r.rolname = %(role)s AND who.rolname <> current_user
ORDER BY 1

-- name: without_settings
-- Of the role and its members, those whose sessions in this database begin without the analysts' search_path: a dump
-- leaves settings behind that belong to one database, unless it is made with --create.
SELECT r.rolname FROM pg_roles AS r
WHERE (r.rolname = %(role)s OR r.rolname = ANY (%(members)s))
  AND NOT EXISTS (SELECT FROM pg_db_role_setting AS s, unnest(s.setconfig) AS setting
                  WHERE s.setrole = r.oid AND setting LIKE 'search_path=%%vitrine_sql%%'
                    AND s.setdatabase IN (0, (SELECT b.oid FROM pg_database AS b WHERE b.datname = current_database())))
ORDER BY r.rolname = %(role)s DESC, 1

-- name: where_it_may_make
-- Of these schemas, those where the role may make something, by itself or as everybody.
SELECT quote_ident(n.nspname) FROM pg_namespace AS n
WHERE n.nspname = ANY (%(schemas)s) AND has_schema_privilege(%(role)s, n.oid, 'CREATE')

-- name: load_vector
-- Settings of an extension are known once its library is loaded; before, only a superuser may set them for a role.
SELECT '[1]'::halfvec
