"""What differs between two builds of one client, against what a release declared to change."""
