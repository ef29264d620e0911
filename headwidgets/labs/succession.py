"""Successor heads from weights (Gould et al. 2023, arXiv 2312.09230): data, scores, one head.

A head's effective OV circuit sends a token through the first MLP and the head to the logits,
``W_U · W_OV · MLP0(W_E)``. A pair of a member and the next one is right if the next one's logit is
the largest of the members of its set, alone. No prompt is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.options import read_known
from headwidgets.model.work import checkpoint
from headwidgets.tasks.series import SETS
from headwidgets.taxonomy import ov
from headwidgets.taxonomy.from_weights import Series, spelled
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.model.engine import Engine

VARIANTS = ("raw", "normed", "stream")
"""What goes into a head: MLP0(W_E); MLP0(LN2(W_E)); the stream W_E + MLP0(LN2(W_E)), through the
norm of the head's layer and the gain of the last."""
NULL_DRAWS = 200


class Known(NamedTuple):
    """A set that a tokenizer spells, and what a variant makes of its members.

    Attributes
    ----------
    series : Series
    embedded : Tensor, [member, d_model]
    read : Tensor, [d_model, member]
        What reads the members' logits off the stream.
    """

    series: Series
    embedded: Tensor
    read: Tensor

    @property
    def asked(self) -> NDArray[np.int64]:
        """Members that have a next one."""
        return np.flatnonzero(np.array(self.series.following) >= 0)

    @property
    def right(self) -> NDArray[np.int64]:
        """The next one of each."""
        return np.array(self.series.following)[self.asked]


def data(session: Any) -> pd.DataFrame:
    """Return the members of the eight sets, and which of them the tokenizer spells.

    Parameters
    ----------
    session : Session or Engine

    Returns
    -------
    DataFrame
        One row a member: set, place (from 0), member, token (its id, <NA> where it is several),
        next (the member that follows, "" at the end of a set that does not wrap), pair (whether
        both are one token).
    """
    engine = engine_of(session)
    there = {one.name: one for one in _spelled(engine)}
    rows = []
    for name, (members, cyclic) in SETS.items():
        tokens = {member: engine.text.ids_after(f" {member}") for member in members}
        single = {member for member, ids in tokens.items() if len(ids) == 1}
        if name not in there:
            single = set()  # too few to ask about
        for place, member in enumerate(members):
            last = place + 1 == len(members)
            after = "" if last and not cyclic else members[(place + 1) % len(members)]
            token = tokens[member][0] if member in single else pd.NA
            rows.append((name, place, member, token, after, member in single and after in single))
    frame = pd.DataFrame(rows, columns=["set", "place", "member", "token", "next", "pair"])
    frame["token"] = frame["token"].astype("Int64")
    return frame


def scores(session: Any, variant: str = "normed", draws: int = NULL_DRAWS) -> pd.DataFrame:
    """Score every head by the share of pairs that its effective OV circuit gets right.

    Parameters
    ----------
    session : Session or Engine
    variant : {"raw", "normed", "stream"}
        See `VARIANTS`. The paper writes the first, its replications the second; the third is
        closest to what runs (Lan et al. 2023, arXiv 2311.04131).
    draws : int
        Random circuits of the null; 0: none, and ``attrs`` have no null.

    Returns
    -------
    DataFrame
        One row a head: layer, head, micro (share of all pairs), macro (mean over the sets),
        copying (share of members of which the member itself comes first), n (pairs), then a
        column for each set that can be asked. ``attrs`` say variant, and null: mean, sd and
        largest micro and macro of 200 random OV circuits of the same widths.

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
            top = ov.first(_logits(engine, layer, one, variant)).numpy()  # [head, member]
            shares[place, layer] = (top[:, one.asked] == one.right).mean(-1)
            copying[layer] += (top == np.arange(len(one.series.ids))).sum(-1)
    copying /= sum(len(one.series.ids) for one in known)
    micro = np.tensordot(counts / counts.sum(), shares, axes=1)
    frame = pd.DataFrame(
        [(layer, head) for layer in range(shape[0]) for head in range(shape[1])],
        columns=["layer", "head"],
    )
    frame["micro"], frame["macro"] = micro.ravel(), shares.mean(0).ravel()
    frame["copying"], frame["n"] = copying.ravel(), int(counts.sum())
    for one, share in zip(known, shares, strict=True):
        frame[one.series.name] = share.ravel()
    frame.attrs["variant"] = variant
    if wanted:
        frame.attrs["null"] = random_circuits(engine, known, wanted)
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
    engine = engine_of(session)
    which = Head.parse(head).within(engine.facts.n_layers, engine.facts.n_heads)
    one = known_set(engine, name, variant)
    found = _logits(engine, which.layer, one, variant)[which.head].double().numpy()
    found -= found.mean(1, keepdims=True)
    words = members(one.series)
    return pd.DataFrame(
        found, index=pd.Index(words, name="looks at"), columns=pd.Index(words, name="writes")
    )


def members(series: Series) -> list[str]:
    """Return the members of a set that are one token, without the space in front."""
    return [SETS[series.name][0][place] for place in series.places]


def known_sets(engine: Engine, variant: str) -> list[Known]:
    """Return the sets that a tokenizer spells, as a variant has them.

    Raises
    ------
    InputError, NotMeasurable
        As `scores`.
    """
    read_known("a successor score", variant=(variant, VARIANTS))
    found = _spelled(engine)
    if not found:
        message = "the tokenizer cuts the members of all eight sets: there is nothing to ask"
        raise NotMeasurable(message)
    return [known_of(engine, one, variant) for one in found]


def known_of(engine: Engine, series: Series, variant: str) -> Known:
    """Return what a variant makes of any set in a natural order.

    Raises
    ------
    NotMeasurable
        If there is no first MLP.
    """
    ids = series.ids
    return Known(series, _embedded(engine, ids, variant), _read(engine, ids, variant))


def known_set(engine: Engine, name: str, variant: str) -> Known:
    """Return one set.

    Raises
    ------
    InputError
        If there is none of that name.
    NotMeasurable
        If the tokenizer does not spell it.
    """
    if name not in list(SETS):  # a list takes whatever was given
        message = f"expected a set among {', '.join(SETS)}, got {name!r:.80}"
        raise InputError(message)
    read_known("a successor score", variant=(variant, VARIANTS))
    found = [one for one in _spelled(engine) if one.name == name]
    if not found:
        message = f"the tokenizer cuts the members of {name!r}"
        raise NotMeasurable(message)
    return known_of(engine, found[0], variant)


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


def engine_of(session: Any) -> Engine:
    """Return a session's engine; an engine is one itself."""
    found: Engine = getattr(session, "engine", session)
    if not hasattr(found, "text"):
        message = f"expected a session or its engine, got {session!r:.80}"
        raise InputError(message)
    return found


def _spelled(engine: Engine) -> list[Series]:
    if not engine.text.has_tokenizer:
        message = "no tokenizer: which tokens are numbers, days or letters is not known"
        raise NotMeasurable(message)
    return spelled(engine)


def _embedded(engine: Engine, ids: Sequence[int], variant: str) -> Tensor:
    """Return what goes into a head, float32 [member, d_model]."""
    if variant != "raw":
        return ov.effective(engine, ids, mlp_only=variant == "normed")
    mlp = getattr(engine.view.blocks[0], "mlp", None)
    if mlp is None:
        message = "the first block has no MLP"
        raise NotMeasurable(message)
    bare = ov.bare(engine, ids)
    with torch.no_grad():
        own = bare.to(engine.weights.W_U.device, engine.weights.dtype)
        try:
            found: Tensor = mlp(own[:, None])[:, 0].float().cpu()
        except RuntimeError as error:  # of OPT: its MLP is no module of its own
            message = f"the first MLP of {engine.facts.architecture} does not run by itself"
            raise NotMeasurable(message) from error
    return found


def _read(engine: Engine, ids: Sequence[int], variant: str) -> Tensor:
    """Return what reads the logits: through the gain of the last norm, or W_U alone."""
    if variant == "stream":
        return ov.unembedding(engine, ids)
    return engine.weights.W_U[:, list(ids)].float().cpu()


def _logits(engine: Engine, layer: int, one: Known, variant: str) -> Tensor:
    """Return what a layer's heads bring to the members, [head, looked at, written]."""
    return brought(engine, layer, one, variant, one.embedded)


def brought(engine: Engine, layer: int, one: Known, variant: str, rows: Tensor) -> Tensor:
    """Return what a layer's heads bring to a set's members when they look at given rows.

    Parameters
    ----------
    rows : Tensor, [row, d_model]
        Such as ``one.embedded``, or edited ones.

    Returns
    -------
    Tensor, [head, row, member]

    Raises
    ------
    NotMeasurable
        If the layer's weights do not multiply.
    """
    stream = ov.normed(engine, layer, rows) if variant == "stream" else rows
    return ov.brought(engine, layer, stream, one.read)
