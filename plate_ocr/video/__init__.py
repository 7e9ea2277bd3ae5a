"""Videos and cameras: frames, and the vehicles in them."""

from plate_ocr.video.tracking import VehicleTrack
from plate_ocr.video.watcher import watch

__all__ = ["VehicleTrack", "watch"]
