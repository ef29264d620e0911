"""Stage 3, latent reasoning, effective reasoning: what makes answers true, or breaks them."""
