"""The commands of ``plate-ocr``."""
