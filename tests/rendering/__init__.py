"""Tests of plate_ocr.training."""
