"""Stage 3, latent reasoning, task by task: options, chains, successors, inhibition."""
