-- name: keep_to_the_owner
-- Locks by number are Vitrine's own (one upgrade, one activation at a time), and an analyst who held one would keep the
-- shop waiting; large objects would be a place to store what nobody sees. Whoever is not the owner may have neither.
DO $do$
DECLARE
    open text := (SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc AS p
                  WHERE p.pronamespace = 'pg_catalog'::regnamespace
                    AND (p.proname ~ '^pg_(try_)?advisory_' OR p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea'))
                    AND has_function_privilege('public', p.oid, 'EXECUTE'));
BEGIN
    IF open IS NOT NULL THEN
        EXECUTE 'REVOKE EXECUTE ON FUNCTION ' || open || ' FROM PUBLIC';
    END IF;
END
$do$
