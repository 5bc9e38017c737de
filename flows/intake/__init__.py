"""Sources → landing → batches: what came, typed and whole, or set aside with its reason."""
