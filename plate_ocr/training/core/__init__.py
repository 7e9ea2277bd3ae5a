"""A training run that knows no task: schedule, trainer, checkpoint, reports."""
