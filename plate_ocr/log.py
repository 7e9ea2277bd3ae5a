"""Warnings of the library, for whoever configures Python's ``logging``."""

from __future__ import annotations


def warn(message: str) -> None:
    """Log a warning with the logger ``plate_ocr``; nothing is printed unless logging is configured."""
    # Importing it takes a fiftieth of the time that importing this package takes.
    import logging

    logger = logging.getLogger("plate_ocr")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.warning(message, stacklevel=2)
