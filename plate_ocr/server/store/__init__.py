"""Sightings, lists, channels and what is to be delivered, in SQLite or PostgreSQL; no HTTP."""
