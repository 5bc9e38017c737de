"""What a release costs: moving live, making a candidate, comparing it."""
