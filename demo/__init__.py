"""The demo: a small program that plays the client, so that the platform has something to read."""
