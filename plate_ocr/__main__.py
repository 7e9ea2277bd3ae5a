"""``python -m plate_ocr``: the command line."""

from plate_ocr.app.cli import main

main()
