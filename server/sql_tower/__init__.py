"""The active model's text tower inside the database: `vitrine_sql.embed_text`, in SQL and PL/pgSQL alone."""
