"""Catalogue files: CSV, JSON Lines, Parquet, and folders or zips of them with pictures."""
