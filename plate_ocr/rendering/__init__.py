"""Rendered characters, plates and scenes, without torch."""
