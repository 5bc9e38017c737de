"""Landed files as rows: every column by its name, every row there, nothing cast yet."""
