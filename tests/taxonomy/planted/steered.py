"""Heads whose output is told apart and used, made: for answers, and for chains of steps; decoys.

The prompts are those of `fitting`. In passages the model says what is marked, unless the answer
was seen to fit; in chains it says the step, unless the answer was seen to fit.
"""

from __future__ import annotations

from planted.fitting import SINK, SLOTS, engine_of

from headwidgets.zoo.toys.build import Head

_FIT = (1.0, SLOTS.fit, SLOTS.seen)
_NO_USE = (1.0, SLOTS.fit, SLOTS.marked)
_GIVEN = ((1.0, SLOTS["of"], SLOTS["ask"]), SLOTS.rest)
_ASKED = ((1.0, SLOTS["ask"], SLOTS["of"]), SLOTS.rest)
_ANSWER = SLOTS["of"].sum(1, keepdim=True)


def _unless_seen(slot):
    return ((1.0, SLOTS.always, SLOTS[slot]), (-1.0, SLOTS["seen"], SLOTS[slot]), SLOTS.rest)


PASSAGES = [
    {
        "sees whether it fits": Head(_GIVEN, (_FIT,)),
        "brings the answer that fits": Head(_ASKED, ((1.0, SLOTS.tok, SLOTS.out),)),
        "tells that a mark stands before": Head(
            (SLOTS.back(1),), ((1.0, SLOTS.marked, SLOTS.hot),)
        ),
        "sees whether it fits, for nothing": Head(_GIVEN, (_NO_USE,)),
    },
    {
        "says what is marked unless it was seen to fit": Head(
            _unless_seen("hot"), ((2.0, SLOTS.tok, SLOTS.out),)
        ),
        "looks only": Head(_ASKED),
        "repeats the last word": Head((SLOTS.back(0),), ((0.1, SLOTS.tok, SLOTS.tok),)),
        "rests": SINK,
    },
]
CHAINS = [
    {
        "sees whether it fits": Head(_ASKED, (_FIT,)),
        "looks only": Head(_ASKED),
        "sees whether it fits, for nothing": Head(_ASKED, (_NO_USE,)),
        "rests": SINK,
    },
    {
        "says the step unless it was seen to fit": Head(
            _unless_seen("step"), ((1.0, SLOTS.says, SLOTS.out),)
        ),
        "says what the answer says": Head(
            ((1.0, SLOTS.always, _ANSWER), SLOTS.rest), ((0.6, SLOTS.says, SLOTS.out),)
        ),
        "repeats the last word": Head((SLOTS.back(0),), ((0.1, SLOTS.tok, SLOTS.tok),)),
        "rests": SINK,
    },
]


def reading(noise=0.0, seed=0):
    """Return an engine whose answers about passages hang on what was seen to fit."""
    return engine_of(noise, seed, layers=PASSAGES)


def reasoning(noise=0.0, seed=0):
    """Return an engine whose steps decide unless the answer was seen to fit."""
    return engine_of(noise, seed, layers=CHAINS)
