"""Releases: commits beside each other, candidates made with them, and Tuesday's steps."""
