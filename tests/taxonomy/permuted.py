"""Tasks whose answers are not the right ones: the prompts as they are, the labels permuted."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np

from headwidgets.taxonomy import asked as asking
from headwidgets.taxonomy import in_words, on_task, resampling, retrieved, skilled

ASKING = (on_task, in_words, retrieved, resampling, skilled)
KINDS = (
    *("memory", "rare words", "retrieval", "syntactic", "name mover", "letter mover"),
    *("negative name mover", "context", "content gatherer", "subject", "relation"),
    *("correct letter", "iteration", "mixed", "correct"),
    *(
        "mover",
        "backup name mover",
        "in-context",
        "s-inhibition",
        "summary reader",
        "sentiment summarizer",
    ),
    *("function vector", "truthfulness", "accuracy"),
)
"""Kinds whose score goes by what is right. A constant head, to name one of the others, is one
whatever is right."""


@contextmanager
def permuted(seed):
    """Permute what is right in every task that is asked for."""

    def ask(engine, name, **options):
        task = asking.ask(engine, name, **options)
        random = np.random.default_rng([seed, options.get("seed", 0), *name.encode()])
        return PERMUTE.get(name, _over_prompts)(task, random)

    with ExitStack() as stack:
        for module in ASKING:
            stack.enter_context(patch.object(module, "ask", ask))
        yield


def _over_prompts(task, random):
    """Give every prompt answer, foil and options of another."""
    order = random.permutation(len(task.rows))
    pick = lambda values: tuple(values[i] for i in order)  # noqa: E731 - three times, in a line
    options = pick(task.options) if task.options else ()
    return replace(task, answer=pick(task.answer), foil=pick(task.foil), options=options)


def _exchanged(task, random):
    """Exchange answer and foil in half of the prompts."""
    turned = random.random(len(task.rows)) < 0.5
    pairs = [
        (foil, answer) if turn else (answer, foil)
        for turn, answer, foil in zip(turned, task.answer, task.foil, strict=True)
    ]
    answer, foil = zip(*pairs, strict=True)
    return replace(task, answer=answer, foil=foil)


def _relabelled(places):
    """Give labels of a prompt to other places of their kind: ``places(task, row, random)``."""

    def change(task, random):
        roles = {name: list(values) for name, values in task.prompts.roles.items()}
        for row in range(len(task.rows)):
            for name, place in places(task, row, random).items():
                roles[name][row] = place
        return replace(task, prompts=replace(task.prompts, roles=roles))

    return change


def _any_noun(task, row, random):
    nouns = [i for i, one in enumerate(task.rows[row]) if one in task.options[row]]
    return {"RARE": int(random.choice(nouns))}


def _any_input(task, row, random):
    roles = task.prompts.roles
    there = [roles[name][row] for name in roles if name.startswith("X")]
    return {"BIT": int(random.choice([place for place in there if place is not None]))}


def _any_word(task, row, random):
    names = ("W1", "W2", "W3")
    places = random.permutation([task.prompts.roles[name][row] for name in names])
    return {name: int(place) for name, place in zip(names, places, strict=True)}


def _any_value(task, row, random):
    """Exchange the values' places.

    The answers stay: an episode of retrieval is a prompt whose answer the model says itself, and
    among answers permuted over prompts those are the prompts that got their own by accident.
    """
    roles = task.prompts.roles
    names = [name for name in roles if name.startswith("VALUE") and roles[name][row] is not None]
    places = random.permutation([roles[name][row] for name in names])
    return {name: int(place) for name, place in zip(names, places, strict=True)}


def _of_another(task, row, random):
    """Places of another prompt's words, counted from the end, as far as they fall inside."""
    other = int(random.integers(len(task.rows)))
    shift = len(task.rows[row]) - len(task.rows[other])
    names = ("SUBJECT", "DISTRACTOR")
    return {name: max(1, task.prompts.roles[name][other] + shift) for name in names}


PERMUTE = {
    "ioi": _exchanged,
    "rare words": _relabelled(_any_noun),
    "key value": _relabelled(_any_value),
    "parity": _relabelled(_any_input),
    "acronyms": _relabelled(_any_word),
    "syntactic arcs": _relabelled(_of_another),
}
"""What is permuted; of every other task, the answers over the prompts."""
