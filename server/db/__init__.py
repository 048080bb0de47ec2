"""The database: where it is, how it is started, migrated and spoken to."""
