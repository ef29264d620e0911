"""Beyond the eight sets: members in other spellings and Roman numerals; and no head at all.

Gould et al. 2023 (arXiv 2312.09230) ask their heads about tokens outside of the data that
successor heads were found on, and ask whether the first MLP alone predicts the next member; for
the second they use a tuned lens, which has to be trained. Here the model's own unembedding reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.labs.sets import check_variant, engine_of, known_sets
from headwidgets.model.work import checkpoint
from headwidgets.tasks.series import ROMAN, SETS
from headwidgets.taxonomy import ov
from headwidgets.taxonomy.orders import in_order
from headwidgets.taxonomy.successors import brought, known_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.successors import Known


def variants() -> dict[str, tuple[tuple[str, ...], bool]]:
    """Return the out-of-distribution sets: texts as they stand, and whether they wrap.

    Roman numerals with a space in front; each of the eight sets without its space; each that has
    letters in the other case (small for capital and the other way round), and in capitals.
    """
    out: dict[str, tuple[tuple[str, ...], bool]] = {
        "Roman numerals": (tuple(f" {one}" for one in ROMAN), False)
    }
    for name, (texts, cyclic) in SETS.items():
        out[f"{name}, no space"] = texts, cyclic
    for name, (texts, cyclic) in SETS.items():
        if texts[0].isdigit():
            continue
        out[f"{name}, other case"] = tuple(f" {_other(one)}" for one in texts), cyclic
        if len(texts[0]) > 1:
            out[f"{name}, capitals"] = tuple(f" {one.upper()}" for one in texts), cyclic
    return out


def _other(text: str) -> str:
    return text.lower() if text[0].isupper() else text.capitalize()


def outside(session: Any, head: object, variant: str = "normed") -> pd.DataFrame:
    """Score a head on sets that successor heads were not found on.

    Parameters
    ----------
    session : Session or Engine
    head : Head or what stands for one
    variant : see `headwidgets.labs.succession.scores`

    Returns
    -------
    DataFrame
        One row a set of `variants`: set, pairs (that the tokenizer spells), of (all pairs), score
        (share of pairs that are right, NaN where fewer than five members are one token), chance.

    Raises
    ------
    InputError
        If there is no such head or variant.
    NotMeasurable
        If there is no first MLP.

    References
    ----------
    Gould et al. 2023: .125 on Roman numerals put together from index and domain.
    """
    engine = engine_of(session)
    which = Head.parse(head).within(engine.facts.n_layers, engine.facts.n_heads)
    check_variant(variant)
    rows = []
    for name, (texts, cyclic) in variants().items():
        checkpoint()
        found = in_order(engine, name, texts, cyclic=cyclic)
        one = None if found is None else known_of(engine, found, variant)
        total = len(texts) - (not cyclic)
        if one is None or not len(one.asked):
            rows.append((name, 0, total, float("nan"), float("nan")))
            continue
        top = ov.first(brought(engine, which.layer, one)[which.head])
        score = float((top.numpy()[one.asked] == one.right).mean())
        rows.append((name, len(one.asked), total, score, 1 / len(one.series.ids)))
    return pd.DataFrame(rows, columns=["set", "pairs", "of", "score", "chance"])


def without_heads(session: Any) -> pd.DataFrame:
    """Ask whether the first MLP alone says what is next: the control of the successor score.

    Parameters
    ----------
    session : Session or Engine

    Returns
    -------
    DataFrame
        One row a set: set, n (pairs), mlp and stream (share of pairs of which the next member
        comes first in the set, read by the final norm and the unembedding off what the first MLP
        writes, and off embedding and MLP together), mlp_first (the same of the whole vocabulary),
        itself (share of members of which the stream says the member itself). A tie is a miss.
        ``attrs``: mlp, mlp_first, stream: micro averages.

    Raises
    ------
    NotMeasurable
        If there is no first MLP, or nothing is spelled.

    References
    ----------
    Gould et al. 2023: below 1 %, by a tuned lens.
    """
    engine = engine_of(session)
    mlp, stream = known_sets(engine, "normed"), known_sets(engine, "stream")
    rows = []
    for one, other in zip(mlp, stream, strict=True):
        checkpoint()
        ids = one.series.ids
        by_mlp = ov.first(_says(engine, one, ids)).numpy()
        by_stream = ov.first(_says(engine, other, ids)).numpy()
        whole = ov.first(_says(engine, one, range(engine.facts.d_vocab))).numpy()
        asked, right = one.asked, one.right
        wanted = torch.tensor(ids)[torch.from_numpy(right)].numpy()
        row = (one.series.name, len(asked), float((by_mlp[asked] == right).mean()))
        rest = float((whole[asked] == wanted).mean()), float((by_stream[asked] == right).mean())
        rows.append((*row, *rest, float((by_stream == range(len(ids))).mean())))
    frame = pd.DataFrame(rows, columns=["set", "n", "mlp", "mlp_first", "stream", "itself"])
    for name in ("mlp", "mlp_first", "stream"):
        frame.attrs[name] = float((frame[name] * frame["n"]).sum() / frame["n"].sum())
    return frame


def _says(engine: Engine, one: Known, ids: Sequence[int]) -> torch.Tensor:
    """Return the logits of tokens that rows would have at the end of the model, [row, token]."""
    norm = getattr(engine.view, "ln_final", None)
    rows = one.embedded
    if norm is not None:
        with torch.no_grad():
            rows = norm(rows.to(engine.weights.W_U.device, engine.weights.dtype)[None])[0]
        rows = rows.float().cpu()
    if not bool(rows.isfinite().all()):
        message = "the final norm of what the first MLP writes is not finite"
        raise NotMeasurable(message)
    picked = slice(None) if isinstance(ids, range) else list(ids)
    return rows @ engine.weights.W_U[:, picked].float().cpu()
