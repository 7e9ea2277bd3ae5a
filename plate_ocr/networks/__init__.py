"""The networks as torch modules; not needed for reading."""
