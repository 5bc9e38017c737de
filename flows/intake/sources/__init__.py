"""Where tables come from: files, databases, APIs, Snowflake, and the hub's own outbox."""
