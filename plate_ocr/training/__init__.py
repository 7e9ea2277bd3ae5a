"""Training: configurations, the skeleton of a run, and a folder a task. Needs the ``train`` extra."""
