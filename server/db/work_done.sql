-- name: note
-- So much was done just now.
INSERT INTO work_done (kind, number) VALUES (%(kind)s, %(number)s)

-- name: counts
-- How much of each kind was done within the last minute and the last hour.
SELECT kind, COALESCE(sum(number) FILTER (WHERE at > now() - interval '1 minute'), 0), sum(number)
FROM work_done
WHERE at > now() - interval '1 hour'
GROUP BY kind

-- name: forget
-- What is older than so many hours.
DELETE FROM work_done WHERE at < now() - make_interval(hours => %(hours)s)
