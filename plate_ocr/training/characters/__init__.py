"""Training character models: white-pixel ratios and a BP network."""
