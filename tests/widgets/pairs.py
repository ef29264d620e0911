"""The pair of prompts that a panel shows in these tests."""

CLEAN = "Mary took the red apple and John took the red"
CORRUPTED = CLEAN.replace("apple", "book")
