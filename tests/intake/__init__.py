"""Tests of the intake, from files to batches."""
