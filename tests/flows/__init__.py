"""Tests of the nights: what comes in, what is decided, what goes out."""
