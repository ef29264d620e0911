"""Stage 4, expression preparation: heads that make ready what is said."""
