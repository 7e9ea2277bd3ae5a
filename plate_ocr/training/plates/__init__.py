"""Rendered licence plates of many countries, to train the plate network on."""

from plate_ocr.training.plates.generate import MIX, PlateGenerator, SyntheticPlate
from plate_ocr.training.plates.regions import Region, bundled_regions, load_region

__all__ = ["MIX", "PlateGenerator", "Region", "SyntheticPlate", "bundled_regions", "load_region"]
