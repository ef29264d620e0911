"""Successor heads from weights (Gould et al. 2023, arXiv 2312.09230): scores, chance, one head.

A head's effective OV circuit sends a token through the first MLP and the head to the logits. A pair
of a member and the next one is right if the next one's logit is the largest of the members of its
set, alone. No prompt is run. The formula, and the variants in which it is written, are those that
the kind `successor` is scored by: `headwidgets.taxonomy.successors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.labs.sets import asked, data, engine_of, known_set, known_sets, members
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import ov
from headwidgets.taxonomy.successors import KIND, VARIANTS, brought, said
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.successors import Known

__all__ = ["KIND", "VARIANTS", "data", "known_set", "known_sets", "matrix", "random_circuits"]
__all__ += ["scores", "side_by_side"]
NULL_DRAWS = 200


def scores(session: Any, variant: str = "normed", draws: int = NULL_DRAWS) -> pd.DataFrame:
    """Score every head by the share of pairs that its effective OV circuit gets right.

    Parameters
    ----------
    session : Session or Engine
    variant : {"raw", "normed", "head-normed", "stream"}
        What goes into a head, and which norms it passes:

        - ``"raw"``: MLP0(W_E), no norm: what the paper writes, and a replication computes;
        - ``"normed"``: MLP0(LN2(W_E)), as GPT-2's first MLP runs;
        - ``"head-normed"``: the same through the norm of the head's layer and the gain of the
          last: ours, and what the kind ``successor`` is scored by, so that this variant alone
          gives the numbers of ``s.score("successor")``;
        - ``"stream"``: W_E + MLP0(LN2(W_E)) through the same norms: closest to what runs, after
          the next score of Lan et al. 2023 (arXiv 2311.04131; theirs counts the five highest).
    draws : int
        Random circuits of the null; 0: none, and ``attrs`` have no null.

    Returns
    -------
    DataFrame
        One row a head: layer, head, micro (share of all pairs), macro (mean over the sets),
        copying (share of members of which the member itself comes first), n (pairs), then a
        column for each set that can be asked. ``attrs`` say variant, kind (whether it is the one
        that the kind is scored by), and null: mean, sd and largest micro and macro of 200 random
        OV circuits of the same widths.

    Raises
    ------
    InputError
        For another variant, or draws that are no whole number from 0.
    NotMeasurable
        If no set is spelled, or there is no first MLP.
    """
    engine, wanted = engine_of(session), whole(draws)
    if wanted is None or wanted < 0:
        message = f"expected draws as a whole number from 0, got {draws!r:.80}"
        raise InputError(message)
    known = known_sets(engine, variant)
    facts = engine.facts
    shape = (facts.n_layers, facts.n_heads)
    shares, copying = np.zeros((len(known), *shape)), np.zeros(shape)
    counts = np.array([len(one.asked) for one in known])
    for place, one in enumerate(known):
        for layer in range(facts.n_layers):
            checkpoint()
            top = said(engine, layer, one)
            shares[place, layer] = (top[:, one.asked] == one.right).mean(-1)
            copying[layer] += (top == np.arange(len(one.series.ids))).sum(-1)
    copying /= sum(len(one.series.ids) for one in known)
    micro = np.tensordot(counts / counts.sum(), shares, axes=1)
    frame = _heads(engine)
    frame["micro"], frame["macro"] = micro.ravel(), shares.mean(0).ravel()
    frame["copying"], frame["n"] = copying.ravel(), int(counts.sum())
    for one, share in zip(known, shares, strict=True):
        frame[one.series.name] = share.ravel()
    frame.attrs |= {"variant": variant, "kind": variant == KIND}
    if wanted:
        frame.attrs["null"] = random_circuits(engine, known, wanted)
    return frame


def side_by_side(session: Any) -> pd.DataFrame:
    """Return every head's share of all pairs in each variant.

    Parameters
    ----------
    session : Session or Engine

    Returns
    -------
    DataFrame
        One row a head: layer, head, and a column for each variant (NaN where it cannot be asked).
        ``attrs``: kind, the variant by which the kind ``successor`` is scored; why, the reason of
        each that cannot be asked.

    Raises
    ------
    NotMeasurable
        If no variant can be asked.
    """
    engine = engine_of(session)
    frame, why = _heads(engine), {}
    for variant in VARIANTS:
        try:
            frame[variant] = scores(engine, variant, draws=0)["micro"]
        except NotMeasurable as error:
            frame[variant], why[variant] = float("nan"), str(error)
    if len(why) == len(VARIANTS):
        raise NotMeasurable(why[VARIANTS[-1]])
    frame.attrs |= {"kind": KIND, "why": why}
    return frame


def matrix(session: Any, head: object, name: str, variant: str = "normed") -> pd.DataFrame:
    """Return the logits that a head brings to the members of a set when it looks at each.

    Parameters
    ----------
    head : Head or what stands for one
    name : str
        Of a set, such as ``"months"``.
    variant : see `scores`

    Returns
    -------
    DataFrame
        A row for each member that is looked at, a column for each that could be written; a row's
        mean is taken off. A successor head shows the diagonal beside the main one.

    Raises
    ------
    InputError
        If there is no such head or set.
    NotMeasurable
        If the tokenizer does not spell the set.
    """
    engine, which, one = asked(session, head, name, variant)
    found = brought(engine, which.layer, one)[which.head].double().numpy()
    found -= found.mean(1, keepdims=True)
    words = members(one.series)
    return pd.DataFrame(
        found, index=pd.Index(words, name="looks at"), columns=pd.Index(words, name="writes")
    )


def random_circuits(
    engine: Engine, known: Sequence[Known], draws: int = NULL_DRAWS, seed: int = 0
) -> dict[str, float]:
    """Return what random W_V and W_O of the model's widths score.

    Returns
    -------
    dict
        micro and macro: their mean, sd and largest over the draws, as ``"micro mean"`` and so on.
    """
    d_model, width = known[0].embedded.shape[1], ov.own_weights(engine, 0, "W_O").shape[1]
    random = torch.Generator().manual_seed(seed)
    counts = np.array([len(one.asked) for one in known])
    found = []
    for _ in range(draws):
        checkpoint()
        W_V = torch.randn(d_model, width, generator=random)
        W_O = torch.randn(width, d_model, generator=random)
        shares = []
        for one in known:
            top = ((one.embedded @ W_V) @ (W_O @ one.read)).argmax(-1).numpy()
            shares.append(float((top[one.asked] == one.right).mean()))
        found.append((float(np.dot(counts, shares) / counts.sum()), float(np.mean(shares))))
    out: dict[str, float] = {}
    for name, values in zip(("micro", "macro"), np.array(found).T, strict=True):
        out |= {f"{name} mean": float(values.mean()), f"{name} sd": float(values.std(ddof=1))}
        out[f"{name} largest"] = float(values.max())
    return out


def _heads(engine: Engine) -> pd.DataFrame:
    shape = engine.facts.n_layers, engine.facts.n_heads
    return pd.DataFrame(list(np.ndindex(*shape)), columns=["layer", "head"])
