"""What the client promised: the suites, and the policy when it is not kept."""
