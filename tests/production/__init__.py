"""What runs by itself, and on a machine of its own."""
