-- name: create
-- A file that is about to be sent.
INSERT INTO import_run (name, bytes, made_by) VALUES (%(name)s, %(bytes)s, %(by)s) RETURNING id

-- name: one
-- A run as it is now.
SELECT id, name, state, bytes, received, made_by, made_at, columns, dry_run, whole, report, problem, error_file, starts,
       started_at, changed_at, finished_at, cancelling
FROM import_run
WHERE id = %(id)s

-- name: newest
-- The newest runs, those that are not over first.
SELECT id, name, state, bytes, received, made_by, made_at, columns, dry_run, whole, report, problem, error_file, starts,
       started_at, changed_at, finished_at, cancelling
FROM import_run
ORDER BY state IN ('waiting', 'running') DESC, id DESC
LIMIT %(limit)s

-- name: received
-- So many bytes more are here.
UPDATE import_run SET received = received + %(bytes)s, changed_at = now() WHERE id = %(id)s

-- name: ready
-- All of the file is here, and may be one that cannot be read.
UPDATE import_run SET state = 'ready', problem = %(problem)s, changed_at = now()
WHERE id = %(id)s AND state = 'uploading'
RETURNING id

-- name: wait
-- To be run by a worker: for the first time, once more, or in earnest after a dry run.
UPDATE import_run
SET state = 'waiting', columns = %(columns)s, dry_run = %(dry_run)s, whole = %(whole)s, report = '{}', problem = NULL,
    error_file = NULL, starts = 0, started_at = NULL, finished_at = NULL, cancelling = false, changed_at = now()
WHERE id = %(id)s AND state IN ('ready', 'done', 'failed', 'cancelled')
RETURNING id

-- name: begin
-- A worker begins with it, maybe again after another one was killed. No row: it was cancelled or taken away.
UPDATE import_run
SET state = 'running', starts = starts + 1, started_at = now(), report = '{}', problem = NULL, changed_at = now()
WHERE id = %(id)s AND state IN ('waiting', 'running') AND NOT cancelling
RETURNING starts

-- name: progress
-- How far it is; tells whether somebody wants it to stop. No row: another worker has begun with it since.
UPDATE import_run SET report = %(report)s, changed_at = now()
WHERE id = %(id)s AND state = 'running' AND starts = %(starts)s
RETURNING cancelling

-- name: again
-- A try failed; it will be tried again.
UPDATE import_run SET state = 'waiting', problem = %(problem)s, changed_at = now()
WHERE id = %(id)s AND state = 'running' AND starts = %(starts)s

-- name: end_cancelled
-- Somebody cancelled it while no worker was at it.
UPDATE import_run SET state = 'cancelled', changed_at = now(), finished_at = now()
WHERE id = %(id)s AND cancelling AND state IN ('waiting', 'running')

-- name: end
-- It is over.
UPDATE import_run
SET state = %(state)s, report = COALESCE(%(report)s, report), problem = %(problem)s, error_file = %(error_file)s,
    changed_at = now(), finished_at = now()
WHERE id = %(id)s AND state IN ('waiting', 'running') AND starts = %(starts)s

-- name: cancel
-- One that waits is over; one that runs stops after the rows that it is at.
UPDATE import_run
SET cancelling = true, changed_at = now(),
    state = CASE WHEN state = 'waiting' THEN 'cancelled' ELSE state END,
    finished_at = CASE WHEN state = 'waiting' THEN now() END
WHERE id = %(id)s AND state IN ('waiting', 'running')
RETURNING state

-- name: delete
-- Forget one that does not run.
DELETE FROM import_run WHERE id = %(id)s AND state NOT IN ('waiting', 'running') RETURNING id

-- name: old
-- Runs that nobody has touched for so many days.
SELECT id FROM import_run
WHERE state NOT IN ('waiting', 'running') AND changed_at < now() - make_interval(days => %(days)s)
