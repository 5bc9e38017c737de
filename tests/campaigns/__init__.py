"""The gate and the outbox."""
