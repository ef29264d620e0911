"""Word lists that several tasks draw from. Our own; none is taken from a benchmark."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(text.split())


NAMES = words("""
    Mary John Alice Tom Anna Ben David Emma Frank Grace Henry Jack James Kate Laura Mark Nina
    Oliver Paul Peter Rose Ruth Sam Sarah Simon Susan Adam Amy Bob Carl Clara Dan Diana Eric
    Eva George Helen Ian Jane Jim Joe Julia Karen Kevin Leo Linda Lisa Lucy Luke Maria Martin
    Max Michael Nick Olivia Robert Sophie Steve Thomas William
""")
"""Sixty first names."""

PLACES = words("""
    store school garden park house office station market kitchen river city library
""")
OBJECTS = words("drink book ball ring key letter cup basket bottle ticket hat box")
COLOURS = words("red blue green black white yellow brown purple")
THINGS = words("""
    cup bag pen lamp chair clock bowl shoe coat plate box hat ball key ring book bottle
""")
