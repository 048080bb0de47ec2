"""Vitrine: text-to-image product search that lives in Postgres."""

__version__ = "0.1.0"
