-- name: others
-- Connections of web servers and of programs that are not Vitrine's, used within the last so many seconds: not of
-- workers, of commands, of a change of the model. One's own role sees its own connections, on managed hosts too.
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND (application_name = 'vitrine web' OR NOT starts_with(application_name, 'vitrine'))
  AND (state <> 'idle' OR state_change > clock_timestamp() - make_interval(secs => %(seconds)s))
