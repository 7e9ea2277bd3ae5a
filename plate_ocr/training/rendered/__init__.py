"""Shared by trainings on rendered pictures."""
