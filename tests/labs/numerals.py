"""The code of `hw.Session("numerals")` in a made engine, of which a tokenizer may cut members."""

from __future__ import annotations

import torch
from planted.weights import IDS, Spelling

from headwidgets.tasks.series import SETS
from headwidgets.zoo.numeral_code import D_CODE, code, successor

D_MODEL = D_CODE


def counting(noise=0.3, rank=None, seed=0, *, cut=()):
    """Return an engine of two heads in one layer: one counts on, one copies."""
    made = code(SETS, noise, seed)
    W_E = torch.zeros(len(IDS) + 1, D_MODEL)
    W_E[[IDS[f" {member}"] for member in made.place]] = made.rows
    heads = [[successor(SETS, made, rank), torch.eye(D_MODEL)]]
    return Spelling(W_E, W_E.T, heads, cut=cut)
