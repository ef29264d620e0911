"""Stage 2, in-context identification, syntax: words, arcs and names."""
