"""Training the plate network on rendered plates."""
