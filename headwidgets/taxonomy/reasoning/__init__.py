"""Stage 3, latent reasoning: heads that turn what was found into what comes next."""
