-- name: record
-- Who changed what.
INSERT INTO audit_entry (actor, action, subject, before, after)
VALUES (%(actor)s, %(action)s, %(subject)s, %(before)s, %(after)s)

-- name: newest
-- The newest entries, about one subject or all of them.
SELECT at, actor, action, subject, before, after
FROM audit_entry
WHERE %(subject)s::text IS NULL OR subject = %(subject)s
ORDER BY id DESC
LIMIT %(limit)s
