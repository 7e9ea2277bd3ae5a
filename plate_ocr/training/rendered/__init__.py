"""What trainings on rendered pictures share."""
