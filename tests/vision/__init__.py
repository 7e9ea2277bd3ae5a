"""Tests of plate_ocr.vision."""
