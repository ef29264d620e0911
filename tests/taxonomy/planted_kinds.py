"""Every kind that has a score, planted: what the oracle goes through."""

from __future__ import annotations

from planted import (
    acronyms,
    amplifying,
    arcs,
    chain,
    facts,
    few_shots,
    fitting,
    letters,
    misled,
    name_circuit,
    names,
    relations,
    reviews,
    shown_tasks,
    stories,
    tokens,
    told_facts,
    tongues,
    values,
    weights,
    words,
    yes_no,
)

_MODULES = (acronyms, amplifying, arcs, chain, facts, few_shots, letters, name_circuit, names)
_MORE = (relations, reviews, stories, told_facts, tokens, values, weights, words, yes_no)
_TOLD = (fitting, misled, shown_tasks, tongues)
PLANTS = {plant.kind: plant for module in (*_MODULES, *_MORE, *_TOLD) for plant in module.PLANTS}
"""By the name of the kind."""
