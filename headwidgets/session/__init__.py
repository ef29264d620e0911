"""One model, what is asked of it, and the answers."""

from __future__ import annotations

from headwidgets.session.session import Session, load

__all__ = ["Session", "load"]
