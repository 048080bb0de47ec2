-- name: put_in
-- Queue a task of which one that waits is enough: its name is its lock.
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW(%(queue)s::text, %(name)s::text, 0, NULL, %(name)s::text, '{}'::jsonb, NULL)::procrastinate_job_to_defer_v1])

-- name: defer
-- Queue a task with arguments, its lock telling it from others of its kind.
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW(%(queue)s::text, %(name)s::text, 0, NULL, %(lock)s::text, %(args)s::jsonb, NULL)::procrastinate_job_to_defer_v1])

-- name: note
-- Why a try failed. The same try may be noted twice, by a worker that was thought dead.
INSERT INTO job_failure (job_id, attempt, reason) VALUES (%(job)s, %(attempt)s, left(%(reason)s, 1000))
ON CONFLICT (job_id, attempt) DO UPDATE SET reason = excluded.reason, at = now()

-- name: list
-- Jobs that are not done, with the reason of the last failure.
SELECT j.id, replace(j.task_name, 'vitrine:', ''), j.status::text, j.attempts, j.scheduled_at,
       (SELECT f.reason FROM job_failure AS f WHERE f.job_id = j.id ORDER BY f.attempt DESC LIMIT 1)
FROM procrastinate_jobs AS j
WHERE j.status <> 'succeeded'
ORDER BY j.status = 'failed' DESC, j.status = 'doing' DESC, j.id

-- name: status
-- Where a job stands.
SELECT status::text FROM procrastinate_jobs WHERE id = %(job)s

-- name: retry
-- A job that was given up, from its first try on.
UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL WHERE id = %(job)s

-- name: cancel
-- Out of the queue, or told to stop.
SELECT procrastinate_cancel_job_v1(%(job)s, true, false)
