"""Work behind the scenes, on procrastinate: queued in Postgres, done by `vitrine worker`, safe to be done twice."""
