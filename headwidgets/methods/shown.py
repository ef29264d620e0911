"""How attention can be looked at: names and sizes that computing and drawing share.

Needs nothing, so that what only draws arrays loads no PyTorch for it.
"""

from __future__ import annotations

RUNS = ("clean", "corrupted", "edited")
WEIGHTINGS = ("raw", "no bos", "value")
OVER = ("pair", "set")

THUMBNAIL_BYTES = 600_000
EDGES = (64, 32, 16, 8)


def thumbnail_edge(n_heads: int, budget: int = THUMBNAIL_BYTES) -> int:
    """Return the largest edge in pixels at which `n_heads` thumbnails stay within `budget` bytes.

    The smallest there is, where none does.
    """
    return next((edge for edge in EDGES if n_heads * edge * edge <= budget), EDGES[-1])
