"""Comparisons: what differs between two builds, and what a release declared."""
