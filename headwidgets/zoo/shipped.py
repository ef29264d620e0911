"""Where the bundled model lies in the package, and what was measured of it."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "weights"
"""A Hugging Face folder in float16; ``meta.json`` tells how it was trained."""
CARD = Path(__file__).parent / "report_card.csv"
"""What it can do, as `hw.report_card()` shows it; ``make card`` measures it."""
CARD_PROMPTS = 200
"""Prompts a task and split in that table."""
