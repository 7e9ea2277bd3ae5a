"""The window of ``predict --show``."""

from __future__ import annotations

import os
import sys

import cv2

from plate_ocr.errors import VideoError
from plate_ocr.readers.pictures import annotated
from plate_ocr.readers.results import Reading
from plate_ocr.video.capture import Frame


class Window:
    """Shows what is seen; Esc, q or closing it ends the video that is watched.

    Raises:
        VideoError: if no window can be opened.
    """

    TITLE = "plate-ocr"

    def __init__(self) -> None:
        # Qt ends the whole program where there is no screen; that of opencv-python knows X11 only.
        if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
            raise VideoError("--show needs a screen, and there is none (DISPLAY is not set)")
        try:
            cv2.namedWindow(self.TITLE, cv2.WINDOW_NORMAL)
        except cv2.error:
            raise VideoError(
                "--show needs windows, which this OpenCV was built without: "
                "pip uninstall opencv-python-headless, pip install --force-reinstall opencv-python"
            ) from None

    def __call__(self, frame: Frame, reading: Reading) -> bool:
        """Show a picture with its plates marked; False when the user has seen enough."""
        cv2.imshow(self.TITLE, annotated(frame.picture, reading.plates))
        return cv2.waitKey(1) & 0xFF not in (27, ord("q")) and self._is_open()

    def _is_open(self) -> bool:
        try:
            # Some window systems cannot tell, which is -1.
            return cv2.getWindowProperty(self.TITLE, cv2.WND_PROP_VISIBLE) != 0
        except cv2.error:  # Qt knows of no window at all
            return False
