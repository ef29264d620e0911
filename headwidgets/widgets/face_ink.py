"""The inks of every static face, as RGB."""

from __future__ import annotations

INK, QUIET, LINE = (27, 27, 27), (90, 95, 104), (221, 221, 221)
"""Of text, of text that only says what is what, and of borders."""
PICKED = (213, 94, 0)
"""Of the ring around the selected head: vermilion of Okabe and Ito (2008)."""
CITED = (199, 86, 154)
"""Of what was published: reddish purple of Okabe and Ito (2008), darker, to be seen on white."""
