"""Alembic's scripts: each brings a database to the next version of the tables."""
