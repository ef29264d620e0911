"""Every kind that has a score, planted: what the oracle goes through."""

from __future__ import annotations

from planted import (
    acronyms,
    amplifying,
    arcs,
    chain,
    facts,
    letters,
    names,
    stories,
    tokens,
    values,
    weights,
    words,
    yes_no,
)

_MODULES = (acronyms, amplifying, arcs, chain, facts, letters, names, stories, tokens, values)
PLANTS = {
    plant.kind: plant for module in (*_MODULES, weights, words, yes_no) for plant in module.PLANTS
}
"""By the name of the kind."""
