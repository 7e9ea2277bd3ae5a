"""Videos and cameras: pictures one after another, and the cars in them."""
