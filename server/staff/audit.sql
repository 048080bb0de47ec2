-- name: record
-- Who changed what.
INSERT INTO audit_entry (actor, action, subject, before, after)
VALUES (%(actor)s, %(action)s, %(subject)s, %(before)s, %(after)s)
