"""Runs that are killed at any instant, started again, and held against an undisturbed one."""
