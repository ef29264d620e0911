"""Parity step by step, made: a head at the input that comes next, and decoys by place."""

from __future__ import annotations

import numpy as np
from fake_engine import FakeEngine, uniform
from planted.plant import Plant, named
from planting import asked, drawn, measuring, places, table

from headwidgets.taxonomy.on_task import answers

N, EQUALS, LONGEST = 120, 5, 8
ZERO = 1
"""Token of the digit 0; 1 is the next."""


def _parity():
    """Three to eight bits, an equals sign, some of their states; lengths and places mixed."""
    random = np.random.default_rng(0)
    roles = {f"X{i}": [] for i in range(1, LONGEST + 1)} | {"BIT": []}
    rows, answer = [], []
    for turn in range(N):
        n = 3 + turn % 6
        at = 1 + int(random.integers(n - 1))
        bits = random.integers(2, size=n)
        states = np.cumsum(bits) % 2
        front = [0, *random.integers(10, 40, size=1 + turn // 6 % 2)]
        for i in range(LONGEST):
            roles[f"X{i + 1}"].append(len(front) + i if i < n else None)
        roles["BIT"].append(len(front) + at)
        rows.append([*front, *(ZERO + bits), EQUALS, *(ZERO + states[:at])])
        answer.append(ZERO + states[at])
    return asked("Parity, made", rows, roles, answer, [2 * ZERO + 1 - one for one in answer])


PARITY = _parity()


def at(role, row):
    return PARITY.prompts.roles[role][row]


def inputs(row):
    return [at(f"X{i}", row) for i in range(1, LONGEST + 1) if at(f"X{i}", row) is not None]


def next_input(row, _):
    return {at("BIT", row): 0.8}, {}


def input_of_the_last_state(row, _):
    return {at("BIT", row) - 1: 0.8}, {}


def second_input(row, _):
    return {at("X2", row): 0.8}, {}


def last_input(row, _):
    return {inputs(row)[-1]: 0.8}, {}


def five_back(row, _):
    """Right where there are five bits: the next input is then five back from any state."""
    return {len(PARITY.rows[row]) - 1 - 5: 0.8}, {}


def all_inputs(row, _):
    there = inputs(row)
    return dict.fromkeys(there, 0.8 / len(there)), {}


def either(row, _):
    """The next input or the one before it: never more than half."""
    return {at("BIT", row): 0.4, at("BIT", row) - 1: 0.4}, {}


def itself(row, _):
    return {len(PARITY.rows[row]) - 1: 0.8}, {}


HEADS = [
    [next_input, input_of_the_last_state, second_input, last_input],
    [five_back, all_inputs, either, itself],
]
PLACE = places(HEADS)


def parity_measure(noise=0.0, *, seed=0, draws=300):
    """Return a measure that has seen the heads."""
    logits = np.zeros((N, 200))
    task = drawn(PARITY, HEADS, logits, answers, noise=noise, seed=seed)
    engine = FakeEngine([[uniform] * len(HEADS[0])] * len(HEADS))
    return measuring("parity", task, answers, engine, draws=draws, seed=seed)


def scored(seed, noise, *, proved=False, draws=999):
    """Return how the heads score."""
    return table(parity_measure(noise, seed=seed, draws=draws), "iteration")


PLANTS = [Plant("iteration", PLACE[next_input], named(HEADS), scored)]
