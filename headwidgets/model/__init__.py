"""What runs: booting, the private view of a model, forwards, hooks. Knows no widget."""
