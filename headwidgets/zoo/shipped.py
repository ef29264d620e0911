"""Where the bundled model lies in the package, and what was measured of it."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "weights"
"""A Hugging Face folder in float16; ``meta.json`` tells how it was trained.

Its run was planned for 8,000 steps and shortened to 5,500 at step 3,750, which moved the
curriculum and the fall of the learning rate: the recipe as it stands gives a sibling of these
weights, not the same bits.
"""
CARD = Path(__file__).parent / "report_card.csv"
"""What it can do, as `hw.report_card()` shows it; ``make card`` measures it."""
CARD_PROMPTS = 120
"""Prompts a task and split in that table."""
