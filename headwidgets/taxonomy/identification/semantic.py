"""Stage 2, in-context identification, meaning: what the context is about."""
