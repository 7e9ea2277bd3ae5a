"""What reads pictures: the plate network, the classical way, and what tells which is meant."""
