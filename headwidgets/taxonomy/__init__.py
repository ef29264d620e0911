"""Kinds of attention head: what each is, how it is scored, what would prove it."""

from __future__ import annotations

from headwidgets.taxonomy.agreement import agreement
from headwidgets.taxonomy.registry import STAGES, Kind, all_kinds, find, kind, kinds
from headwidgets.taxonomy.score import score, scores

__all__ = [
    "STAGES",
    "Kind",
    "agreement",
    "all_kinds",
    "find",
    "kind",
    "kinds",
    "score",
    "scores",
]
