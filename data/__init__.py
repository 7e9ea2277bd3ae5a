"""Sample pictures and how they were made."""
