"""The form of a request in a browser."""
