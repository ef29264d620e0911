"""What a session's state can hold for its views, in the order in which it is painted."""

from __future__ import annotations

from headwidgets.widgets import looks

PRODUCTS = {
    "map": looks.MAP,
    "thumbs": looks.THUMBS,
}
