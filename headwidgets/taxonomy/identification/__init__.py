"""Stage 2, in-context identification: heads that find structure, syntax and meaning."""
