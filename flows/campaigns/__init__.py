"""The gate, the audiences and the outbox."""
