"""What a session's state can hold for its views, in the order in which it is painted."""

from __future__ import annotations

from headwidgets.widgets import looks, panel_product

PRODUCTS = {
    "panel": panel_product.PANEL,
    "map": looks.MAP,
    "thumbs": looks.THUMBS,
    "effect": panel_product.EFFECT,
}
