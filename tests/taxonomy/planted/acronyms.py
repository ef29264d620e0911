"""Heads that spell acronyms, made: a letter mover, and decoys that have one half."""

from __future__ import annotations

import numpy as np
from planted.plant import Plant, named
from planting import Weighted, asked, codes, copiers, drawn, everyone, measuring, places, table

from headwidgets.taxonomy import names

N, LEAD = 100, 4.0
LETTERS, WORDS = range(1, 9), range(11, 91)
QUERIES = ("L1", "L2")


def letter_of(word):
    return (word - 11) % 8 + 1


def _acronyms():
    random = np.random.default_rng(0)
    roles = {name: [] for name in ("W1", "W2", "W3", "L1", "L2")}
    rows, answer, foil = [], [], []
    for turn in range(N):
        letters = random.permutation(8)[:4]
        words = 11 + 8 * random.integers(10, size=3) + letters[:3]
        front = [0, *random.integers(100, 120, size=1 + turn % 3)]
        rows.append([*front, *words, 100, *(letters[:2] + 1)])
        start = len(front)
        for name, place in zip(roles, (start, start + 1, start + 2, start + 4, start + 5)):  # noqa: B905 - as many
            roles[name].append(place)
        answer.append(letters[2] + 1)
        foil.append(letters[3] + 1)
    return asked("Acronyms, made", rows, roles, answer, foil)


ACRONYMS = _acronyms()


def word(n, row):
    return ACRONYMS.prompts.roles[f"W{n + 1}"][row]


def letter_mover(row, query):
    turn = word(query + 1, row)
    return {turn: 0.6}, {(turn, query + 1): 2.0}


def every_word(row, _):
    every = {word(n, row): n for n in range(3)}
    return dict.fromkeys(every, 0.3), dict.fromkeys(every.items(), 2.0)


def last_word(row, _):
    """Whosever turn it is."""
    return {word(2, row): 0.8}, {(word(2, row), 2): 2.0}


def first_word(row, _):
    return {word(0, row): 0.8}, {(word(0, row), 0): 2.0}


def looks_at_word(row, query):
    return {word(query + 1, row): 0.6}, {}


def says_letter(row, query):
    """By its weights it would write nothing of the kind."""
    turn = word(query + 1, row)
    return {turn: 0.6}, {(turn, query + 1): 1.2}


def writes_from_afar(row, query):
    return {}, {(word(query + 1, row), query + 1): 1.2}


def letter_before(row, query):
    turn = word(query + 1, row)
    return {turn: 0.6}, {(turn, query): 2.0}


def sink(*_):
    return {}, {}


SPELLING = [
    [letter_mover, every_word, last_word, first_word, sink],
    [looks_at_word, says_letter, writes_from_afar, letter_before, sink],
]
SPELLS = places(SPELLING)


def spelling_measure(noise=0.0, *, seed=0, draws=300):
    """Return a measure that has seen the heads spell."""
    logits = np.zeros((N, 200))
    logits[np.arange(N), list(ACRONYMS.answer)] = LEAD
    seen = {"queries": QUERIES, "noise": noise, "seed": seed}
    task = drawn(ACRONYMS, SPELLING, logits, names._spelled, **seen)
    W_E = codes(200)
    W_U = W_E.clone()
    for one in WORDS:
        W_E[one] += W_U[letter_of(one)]
    engine = Weighted(W_E, W_U.T, copiers([[1, 1, 1, 1, 0], [1, 0, 1, 1, 0]]))
    return measuring("acronyms", task, names._spelled, engine, draws=draws, seed=seed)


def scored(seed, noise, *, proved=False, draws=999):
    """Return how the heads score."""
    measure = spelling_measure(noise, seed=seed, draws=draws)
    return table(measure, "letter mover", everyone(SPELLING) if proved else ())


PLANTS = [Plant("letter mover", SPELLS[letter_mover], named(SPELLING), scored)]
