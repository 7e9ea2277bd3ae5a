"""Learning: data, rendering, warm-up, the training loop. Needs the ``train`` extra."""
