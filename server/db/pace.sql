-- name: others
-- Connections of programs that neither work behind the scenes nor change the model, used within the last so many
-- seconds. One's own role sees its own connections, on managed hosts too.
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND application_name <> 'vitrine worker' AND NOT starts_with(application_name, 'vitrine activate')
  AND (state <> 'idle' OR state_change > clock_timestamp() - make_interval(secs => %(seconds)s))
