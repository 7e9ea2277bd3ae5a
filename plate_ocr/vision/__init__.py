"""From pixels to numbers: NumPy and OpenCV only, every step a pure function."""
