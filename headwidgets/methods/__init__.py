"""How heads are discovered: edits, metrics, effects."""
