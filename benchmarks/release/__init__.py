"""What a redeploy costs, measured against the least that its work can take."""
