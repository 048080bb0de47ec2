"""The statements of a restore."""

from server.db.named_sql import load

SQL = load(__file__, "restore.sql")
