"""Tests of releases: who may begin, what a candidate is, what is judged and published."""
