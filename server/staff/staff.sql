-- name: add
-- A new account; no row where the name is taken.
INSERT INTO staff (name, role, password_hash, session_key, one_time_password)
VALUES (%(name)s, %(role)s, %(password_hash)s, %(session_key)s, %(one_time)s)
ON CONFLICT (name) DO NOTHING
RETURNING id, name, role, disabled, session_key, created_at, last_login_at, one_time_password, password_set_at

-- name: by_id
-- One account.
SELECT id, name, role, disabled, session_key, created_at, last_login_at, one_time_password, password_set_at
FROM staff WHERE id = %(id)s

-- name: by_name
-- One account.
SELECT id, name, role, disabled, session_key, created_at, last_login_at, one_time_password, password_set_at
FROM staff WHERE name = %(name)s

-- name: all
-- All accounts.
SELECT id, name, role, disabled, session_key, created_at, last_login_at, one_time_password, password_set_at
FROM staff ORDER BY name

-- name: password_hash
-- What the password of an account is compared with.
SELECT password_hash FROM staff WHERE name = %(name)s

-- name: set_password
-- A new password, which ends every session. No row where these have ended meanwhile, and were to be as `seen`.
UPDATE staff SET password_hash = %(password_hash)s, session_key = %(session_key)s, one_time_password = %(one_time)s,
       password_set_at = now()
WHERE id = %(id)s AND (%(seen)s::text IS NULL OR session_key = %(seen)s)
RETURNING id

-- name: set_hash
-- The same password hashed anew, which ends no session; nothing where somebody has set another one meanwhile.
UPDATE staff SET password_hash = %(password_hash)s WHERE id = %(id)s AND password_hash = %(outdated)s

-- name: set_session_key
-- Ends every session.
UPDATE staff SET session_key = %(session_key)s WHERE id = %(id)s

-- name: set_role
-- What an account may do, and whether it may at all. A session key ends every session.
UPDATE staff SET role = %(role)s, disabled = %(disabled)s, session_key = COALESCE(%(session_key)s, session_key)
WHERE id = %(id)s

-- name: lock_with_admins
-- An account and all who can manage accounts. Locked in one order, so that of two admins who take each other's role away
-- the second waits, and then is the last one.
SELECT id, name, role, disabled, session_key, created_at, last_login_at, one_time_password, password_set_at
FROM staff
WHERE id = %(id)s OR (role = 'admin' AND NOT disabled)
ORDER BY id
FOR UPDATE

-- name: logged_in
-- A login that succeeded.
UPDATE staff SET last_login_at = now() WHERE id = %(id)s

-- name: note_try
-- A try to log in, counted before the password is looked at, so that tries side by side are counted too.
INSERT INTO login_try (name, address) VALUES (%(name)s, %(address)s)

-- name: count_tries
-- Tries within the window: of this name from this address, from this address, of this name.
SELECT count(*) FILTER (WHERE name = %(name)s AND address = %(address)s),
       count(*) FILTER (WHERE address = %(address)s),
       count(*) FILTER (WHERE name = %(name)s)
FROM login_try WHERE at > now() - make_interval(secs => %(seconds)s)

-- name: forget_tries
-- A login that succeeded takes back its tries; old ones go in passing.
DELETE FROM login_try WHERE (name = %(name)s AND address = %(address)s) OR at < now() - interval '1 hour'
