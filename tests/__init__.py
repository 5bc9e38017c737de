"""Tests: the view against the raw data, and the rules one by one."""
