"""The statements that install, renew and remove the surface."""

from server.db.named_sql import load

SQL = load(__file__, "surface.sql")
