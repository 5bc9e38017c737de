"""Fork, pin, build, publish, roll back."""
