"""How heads are discovered: edits, metrics, effects, sweeps, paths, circuits.

Called, as ``headwidgets.methods()``, this room lists them: see `catalogue.methods`.
"""

from headwidgets.room import answers

answers(__name__, f"{__name__}.catalogue")
