"""Training the detector on rendered scenes."""
