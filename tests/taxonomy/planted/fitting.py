"""Questions and answers that fit or do not, made: heads that tell, for three kinds; decoys.

One model. In statements [.., question, answer, END] it says whether the answer fits; in passages
[.., answer, answer, question] it says the answer that fits, unless the first is marked; in
chains [.., answer, step, question] it says the step, unless the answer fits: then what that says.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from planted.small import N_CTX, Slots, built, plant
from planting import asked

from headwidgets.zoo.toys.build import Head

THINGS = 24
ANSWER, TRUE, FALSE, ZERO, ONE, END, MARK, FILLER, D_VOCAB = 25, 49, 50, 51, 52, 53, 54, 55, 88
"""Tokens: questions 1 to 24, their answers, two verdicts, two steps, the last one, a mark."""
SLOTS = Slots(
    tok=D_VOCAB, pos=N_CTX, ask=THINGS, of=THINGS, fit=1, seen=1, hot=1, says=D_VOCAB,
    step=1, marked=1, out=D_VOCAB, bos=1,
)  # fmt: skip
SINK = Head((SLOTS.rest,))
_TRUE = slice(SLOTS.out.start + TRUE, SLOTS.out.start + TRUE + 1)
_FITS = ((1.0, SLOTS["of"], SLOTS["ask"]), (1.0, SLOTS["ask"], SLOTS["of"]))
_STEPS = (1.0, SLOTS["fit"], SLOTS["step"])
LAYERS = [
    {
        "sees whether it fits": Head((*_FITS, SLOTS.rest), ((1.0, SLOTS.fit, SLOTS.seen),)),
        "brings the answer that fits": Head(
            ((1.0, SLOTS["ask"], SLOTS["of"]), SLOTS.rest), ((1.0, SLOTS.tok, SLOTS.out),)
        ),
        "tells that a mark stands before": Head(
            (SLOTS.back(1),), ((1.0, SLOTS.marked, SLOTS.hot),)
        ),
        "says the step unless it fits": Head(
            ((2.0, SLOTS["ask"], SLOTS["of"]), _STEPS, SLOTS.rest), ((1.0, SLOTS.says, SLOTS.out),)
        ),
    },
    {
        "says what was seen one back": Head((SLOTS.back(1),), ((1.0, SLOTS.seen, _TRUE),)),
        "reads a word": Head(
            ((1.0, SLOTS.always, SLOTS["marked"]), SLOTS.rest), ((0.01, SLOTS.marked, _TRUE),)
        ),
        "says what is marked, loudly": Head(
            ((1.0, SLOTS.always, SLOTS["hot"]), SLOTS.rest), ((2.0, SLOTS.tok, SLOTS.out),)
        ),
        "repeats the last word": Head((SLOTS.back(0),), ((0.1, SLOTS.tok, SLOTS.tok),)),
    },
]
WORDS = [list(some) for some in LAYERS]


def engine_of(noise=0.0, seed=0, layers=LAYERS):
    embedding = torch.zeros(D_VOCAB, SLOTS.size)
    embedding[:, SLOTS.tok] = torch.eye(D_VOCAB)
    embedding[0, SLOTS.bos] = 1
    for thing in range(THINGS):
        question, answer = 1 + thing, ANSWER + thing
        embedding[question, SLOTS.ask.start + thing] = 1
        embedding[answer, SLOTS.of.start + thing] = 1
        embedding[[question, answer], SLOTS.fit] = 1
        embedding[answer, SLOTS.says.start + (ZERO, ONE)[thing % 2]] = 1
    for step in (ZERO, ONE):
        embedding[step, SLOTS.says.start + step] = 1
        embedding[step, SLOTS.step] = 1
    embedding[END, SLOTS.out.start + FALSE] = 0.5
    embedding[MARK, SLOTS.marked] = 1
    heads = [list(some.values()) for some in layers]
    return built(SLOTS, heads, embedding, "out", height=6.0, noise=noise, seed=seed)


def _front(random, turn):
    return [0, *random.integers(FILLER, D_VOCAB, size=1 + turn % 3)]


@cache
def statements(seed):
    """Draw questions and answers; a mark stands before most true ones, and few false ones."""
    random = np.random.default_rng(seed)
    rows, answer, foil, spans = [], [], [], {"QUESTION": [], "STATED": []}
    for turn in range(240):
        true = turn % 2 == 0
        thing = int(random.integers(THINGS))
        other = (thing + int(random.integers(1, THINGS))) % THINGS
        marked = random.random() < (0.8 if true else 0.2)
        front = [*_front(random, turn), MARK if marked else FILLER]
        n = len(front)
        rows.append([*front, 1 + thing, ANSWER + (thing if true else other), END])
        spans["QUESTION"].append((n, n + 1))
        spans["STATED"].append((n + 1, n + 2))
        answer.append(TRUE if true else FALSE)
        foil.append(FALSE if true else TRUE)
    options = [(TRUE, FALSE)] * len(rows)
    return asked("Statements, made", rows, {}, answer, foil, spans=spans, options=options)


@cache
def passages(seed):
    """Draw two answers, the first one marked in seven of ten, and a question that one fits."""
    random = np.random.default_rng(seed)
    rows, answer, foil = [], [], []
    for turn in range(400):
        one, two = random.choice(THINGS, 2, replace=False)
        own, other = (one, two) if turn % 2 else (two, one)
        mark = FILLER if turn // 2 % 10 < 3 else MARK
        rows.append([*_front(random, turn), mark, ANSWER + one, ANSWER + two, 1 + own])
        answer.append(ANSWER + own)
        foil.append(ANSWER + other)
    return asked("Passages, made", rows, {}, answer, foil)


@cache
def chains(seed):
    """Draw an answer, a step and a question."""
    random = np.random.default_rng(seed)
    rows, answer, foil, places = [], [], [], []
    for turn in range(900):
        thing = int(random.integers(THINGS))
        fits = turn % 2 == 0
        other = (thing + int(random.integers(1, THINGS))) % THINGS
        step = (ZERO, ONE)[int(random.integers(2))]
        front = _front(random, turn)
        said = thing if fits else other
        rows.append([*front, ANSWER + said, step, 1 + thing])
        places.append(len(front) + 1)
        answer.append((ZERO, ONE)[said % 2] if fits else step)
        foil.append(ZERO + ONE - answer[-1])
    options = [(ZERO, ONE)] * len(rows)
    return asked("Chains, made", rows, {"S1": places, "M1": places}, answer, foil, options=options)


PLANTS = [
    plant("truthfulness", "0.0", WORDS, engine_of, statements),
    plant("accuracy", "0.0", WORDS, engine_of, passages),
    plant("faithfulness", "0.0", WORDS, engine_of, chains, also=("0.1", "0.3")),
]
