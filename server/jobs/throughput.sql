-- name: imports
-- Imports that a worker was heard of at within half a minute, and their rows a second since each was begun.
SELECT count(*), COALESCE(sum(r.rows / r.seconds) FILTER (WHERE r.seconds > 0), 0)
FROM (SELECT COALESCE((report ->> 'created')::float, 0) + COALESCE((report ->> 'updated')::float, 0)
             + COALESCE((report ->> 'unchanged')::float, 0) + COALESCE((report ->> 'refused')::float, 0) AS rows,
             COALESCE((report ->> 'seconds')::float, 0) AS seconds
      FROM import_run
      WHERE state = 'running' AND changed_at > now() - interval '30 seconds') AS r
