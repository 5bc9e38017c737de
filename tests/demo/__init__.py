"""The demo client, and what it answers to the hub."""
