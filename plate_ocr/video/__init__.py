"""Videos and cameras: frames, and the vehicles in them."""

from plate_ocr.video.vehicle import VehicleTrack
from plate_ocr.video.watcher import watch

__all__ = ["VehicleTrack", "watch"]
