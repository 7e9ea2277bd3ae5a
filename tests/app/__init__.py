"""Tests of plate_ocr.app."""
