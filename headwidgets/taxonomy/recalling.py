"""Stage 1, knowledge recalling: heads that bring what the weights know."""
