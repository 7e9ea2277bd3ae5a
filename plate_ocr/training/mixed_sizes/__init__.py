"""Pictures of different sizes in one batch: ways to collate them, and a network that takes them."""
