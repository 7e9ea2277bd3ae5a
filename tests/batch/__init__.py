"""Batches: storage, parts, engines, reports."""
