"""Measurements of the project against the bare tools beneath it; never part of a test."""
