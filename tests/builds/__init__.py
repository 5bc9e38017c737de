"""Builds: repeatable, and never written to once published."""
