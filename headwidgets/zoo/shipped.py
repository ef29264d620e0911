"""Where the bundled model lies in the package, and what was measured of it."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "weights"
"""A Hugging Face folder in float16; ``meta.json`` tells how it was trained.

It was trained twice. The first run, 5,500 steps, left weights that did 20 of 22 tasks, with the
moods of stories at chance and no successor head to speak of by weights. The second began with
them (``begun`` in ``meta.json``; `recipe.begun`): 3,500 steps on more templates, half of the rows
of succession by heads (`recipe.mixture.BY_HEADS`). From nothing the recipe as it stands gave a
sibling with successor heads that stayed at chance on options and coloured objects: which skills
appear is chance of the seed, here as elsewhere. The two runs, the first with the package of the
commit that brought its weights (73e0f03), the second with that of the commit that brought these::

    python -m headwidgets.zoo.recipe --out first --steps 5500
    python -m headwidgets.zoo.recipe --out second --steps 3500 --rate 1.5e-3 --start first/weights
"""
CARD = Path(__file__).parent / "report_card.csv"
"""What it can do, as `hw.report_card()` shows it; ``make card`` measures it."""
CARD_PROMPTS = 120
"""Prompts a task and split in that table."""
