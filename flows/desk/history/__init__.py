"""What was done in the past, read from git and from reports: for people, and never relied on."""
