-- name: put_in
-- Queue a task of which one that waits is enough: its name is its lock. The other lock keeps two from running at once.
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW(%(queue)s::text, %(name)s::text, 0, %(lock)s::text, %(name)s::text, '{}'::jsonb, NULL)::procrastinate_job_to_defer_v1])

-- name: defer
-- Queue a task with arguments, its lock telling it from others of its kind. `alone`: one of these at a time.
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW(%(queue)s::text, %(name)s::text, 0, %(alone)s::text, %(lock)s::text, %(args)s::jsonb,
        NULL)::procrastinate_job_to_defer_v1])

-- name: note
-- Why a try failed. The same try may be noted twice, by a worker that was thought dead.
INSERT INTO job_failure (job_id, attempt, reason) VALUES (%(job)s, %(attempt)s, left(%(reason)s, 1000))
ON CONFLICT (job_id, attempt) DO UPDATE SET reason = excluded.reason, at = now()

-- name: list
-- Jobs that are not done, with the reason of the last failure.
SELECT j.id, replace(j.task_name, 'vitrine:', ''), j.status::text, j.attempts, j.scheduled_at,
       (SELECT f.reason FROM job_failure AS f WHERE f.job_id = j.id ORDER BY f.at DESC, f.attempt DESC LIMIT 1)
FROM procrastinate_jobs AS j
WHERE j.status <> 'succeeded'
ORDER BY j.status = 'failed' DESC, j.status = 'doing' DESC, j.id

-- name: status
-- Where a job stands.
SELECT status::text FROM procrastinate_jobs WHERE id = %(job)s

-- name: task
-- What a job is.
SELECT replace(task_name, 'vitrine:', '') FROM procrastinate_jobs WHERE id = %(job)s

-- name: give_up
-- A job that is given up before its first try, since another one knows that it cannot be done; told with its reason.
WITH given_up AS (
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status, attempts)
    VALUES (%(queue)s, %(name)s, %(lock)s, %(args)s::jsonb, 'failed', 1)
    RETURNING id
)
INSERT INTO job_failure (job_id, attempt, reason) SELECT id, 1, left(%(reason)s, 1000) FROM given_up

-- name: settle
-- What is given up of a task for a picture has been mended otherwise.
DELETE FROM procrastinate_jobs
WHERE task_name = %(name)s AND status = 'failed' AND args ->> 'sha256' = %(sha256)s

-- name: settle_unshown
-- No product shows these pictures any more, so nobody minds.
DELETE FROM procrastinate_jobs AS j
WHERE task_name = %(name)s AND status = 'failed'
  AND NOT EXISTS (SELECT FROM product AS p WHERE p.image_sha256 = j.args ->> 'sha256')
  AND NOT EXISTS (SELECT FROM product_picture AS g WHERE g.sha256 = j.args ->> 'sha256')

-- name: activation
-- The activation of a model that waits, runs, or was the last one to be given up or stopped; the newest.
SELECT id, status::text, args ->> 'name', args ->> 'digest', args ->> 'by', abort_requested, attempts, scheduled_at,
       (SELECT f.reason FROM job_failure AS f WHERE f.job_id = j.id ORDER BY f.at DESC, f.attempt DESC LIMIT 1)
FROM procrastinate_jobs AS j
WHERE task_name = %(name)s AND status <> 'succeeded'
ORDER BY status IN ('todo', 'doing') DESC, id DESC
LIMIT 1

-- name: settle_activations
-- Those that were given up are of the past when another one begins.
DELETE FROM procrastinate_jobs WHERE task_name = %(name)s AND status NOT IN ('todo', 'doing')

-- name: retry
-- A job that was given up, from its first try on.
UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL WHERE id = %(job)s

-- name: cancel
-- Out of the queue, or told to stop.
SELECT procrastinate_cancel_job_v1(%(job)s, true, false)

-- name: at_hand
-- Whether a job waits that may be done now and whose lock no other job has.
SELECT EXISTS (
    SELECT FROM procrastinate_jobs AS j
    WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
      AND NOT EXISTS (SELECT FROM procrastinate_jobs AS o WHERE o.lock = j.lock AND o.status = 'doing')
) AS at_hand
