"""The HTTP server: ``plate-ocr serve``."""
