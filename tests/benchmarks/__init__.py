"""That the measurements can be made; never what they come to."""
