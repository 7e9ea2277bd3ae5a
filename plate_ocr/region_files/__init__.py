"""What plates of a region look like, in declarative files."""
