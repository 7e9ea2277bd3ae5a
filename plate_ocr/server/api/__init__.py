"""plate-ocr's own API, under ``/api/v1``."""
