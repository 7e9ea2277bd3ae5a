"""Reading millions of pictures: a list in parts, each of which :func:`read_part` reads on any engine."""

from plate_ocr.batch.part import read_part

__all__ = ["read_part"]
