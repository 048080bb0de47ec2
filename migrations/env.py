"""Alembic's entry. server/db/migrate.py hands over an open connection that holds the upgrade lock."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)

with context.begin_transaction():
    # A migration that has to wait for a lock gives up, rather than queue everybody behind itself.
    connection.execute(text("SET LOCAL lock_timeout = '10s'"))
    context.run_migrations()
