"""Alembic's entry. server/db/migrate.py hands over an open connection that holds the upgrade lock."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)

# A migration that has to wait for a lock gives up, rather than queue everybody behind itself. Not SET LOCAL: each
# migration has a transaction of its own.
connection.execute(text("SET lock_timeout = '10s'"))
connection.commit()
try:
    with context.begin_transaction():
        context.run_migrations()
finally:
    connection.rollback()
    connection.execute(text("RESET lock_timeout"))
    connection.commit()
