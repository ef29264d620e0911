"""The paper's figures as functions over runs, each a frame (Singh et al. 2024, arXiv 2404.07129).

A run here is a `Run` or a `Finished` one. What is asked of models after training is measured on
sequences of their own data that are drawn once by a seed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.batch import Batch, generator
from headwidgets.labs.emergence.clamps import only, value, zero
from headwidgets.labs.emergence.history import threshold
from headwidgets.labs.emergence.measures import strength
from headwidgets.labs.emergence.readable import Readable
from headwidgets.labs.emergence.shape import count
from headwidgets.labs.emergence.trained import Trained
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwidgets.labs.emergence.clamping import Clamps

LEARNED = 0.4 * math.log(2)
"""The loss below which a model counts as past its phase change, in nats."""
PLATEAU = 0.9 * math.log(2)
SEQUENCES = 1000
_Z = "blocks.1.attn.hook_z"
_FIRST = 0.5
"""A head of layer 1 with such a previous-token score counts as one; proposed."""
_SALT = 104_729


def heads(trained: Trained, n: int = SEQUENCES, seed: int = 0) -> pd.DataFrame:
    """Ask what every head of layer 2 is worth after training (figures 4a and 14).

    Parameters
    ----------
    trained : Trained
        Of two layers.
    n : int
        Sequences.
    seed : int

    Returns
    -------
    DataFrame
        One row a head: head, strength; keep_one, drop_one (accuracy with it alone, and without
        it); corrected (share of what the best head alone gets wrong that this one alone gets
        right); perfect (accuracy alone, its pattern clamped to the right label: what its copying
        could do). ``attrs``: all (accuracy with every head), n.
    """
    from headwidgets.labs.emergence.clamps import correct_label

    batch = _batch(_two_layers(trained), n, seed)
    number = trained.shape.n_heads
    attention = trained.activation("blocks.1.attn.hook_pattern", batch)
    strengths = strength(attention, batch)[0]
    alone, rows = [], []
    for head in range(number):
        checkpoint(head, number, "heads")
        alone.append(_right(trained, batch, {_Z: only([head])}))
    best = max(range(number), key=lambda head: float(alone[head].float().mean()))
    wrong = ~alone[best]
    for head in range(number):
        checkpoint(head, number, "heads")
        without = _right(trained, batch, {_Z: zero([head])})
        held = {_Z: only([head]), "blocks.1.attn.hook_pattern": correct_label([head])}
        fixed = float(alone[head][wrong].float().mean()) if bool(wrong.any()) else float("nan")
        rows.append(
            {
                "head": head,
                "strength": float(strengths[head]),
                "keep_one": float(alone[head].float().mean()),
                "drop_one": float(without.float().mean()),
                "corrected": fixed,
                "perfect": float(_right(trained, batch, held).float().mean()),
            }
        )
    frame = pd.DataFrame(rows)
    frame.attrs |= {"all": float(_right(trained, batch, None).float().mean()), "n": n}
    return frame


def adding(
    trained: Trained, order: Sequence[int] | None = None, n: int = SEQUENCES, seed: int = 0
) -> pd.DataFrame:
    """Add heads of layer 2 one after the other (figure 14).

    Parameters
    ----------
    trained : Trained
    order : sequence of int, optional
        None: the strongest first.
    n, seed : see `heads`

    Returns
    -------
    DataFrame
        One row a head: added, heads (how many there are now), loss (nats), accuracy.
    """
    batch = _batch(_two_layers(trained), n, seed)
    if order is None:
        attention = trained.activation("blocks.1.attn.hook_pattern", batch)
        order = strength(attention, batch)[0].argsort(descending=True).tolist()
    rows = []
    for place, head in enumerate(order):
        kept = list(order[: place + 1])
        rows.append((head, place + 1, *_score(trained, batch, {_Z: only(kept)})))
    return pd.DataFrame(rows, columns=["added", "heads", "loss", "accuracy"])


def pairs(
    trained: Trained, head: int | None = None, n: int = SEQUENCES, seed: int = 0
) -> pd.DataFrame:
    """Keep one head of layer 2 and one other (figure 17).

    Parameters
    ----------
    trained : Trained
    head : int, optional
        None: the one that does best alone.
    n, seed : see `heads`

    Returns
    -------
    DataFrame
        One row another head: head, other, alone, other_alone, together (losses in nats),
        accuracy (together).
    """
    batch = _batch(_two_layers(trained), n, seed)
    number = trained.shape.n_heads
    single = [_score(trained, batch, {_Z: only([h])})[0] for h in range(number)]
    first = min(range(number), key=single.__getitem__) if head is None else int(head)
    rows = []
    for other in range(number):
        if other != first:
            loss, accuracy = _score(trained, batch, {_Z: only([first, other])})
            rows.append((first, other, single[first], single[other], loss, accuracy))
    columns = ["head", "other", "alone", "other_alone", "together", "accuracy"]
    return pd.DataFrame(rows, columns=columns)


def wiring(
    trained: Trained, n: int = SEQUENCES, seed: int = 0, least: float = _FIRST
) -> pd.DataFrame:
    """Ask through what heads of layer 1 reach layer 2: its patterns, its values, or the stream.

    Sets of layer-1 heads are switched off while layer 2 keeps the patterns, or the values, that
    it has without that.

    Parameters
    ----------
    trained : Trained
    n, seed : see `heads`
    least : float
        Previous-token score from which a head of layer 1 counts as a previous-token head.

    Returns
    -------
    DataFrame
        One row a set and what is preserved: removed ("previous-token heads", "other heads",
        "all heads", "stream": what layer 1 writes is taken from the stream alone), heads,
        preserved ("nothing", "patterns", "values", "patterns and values"), accuracy, loss.
        ``attrs``: scores (previous-token, by head).
    """
    batch = _batch(_two_layers(trained), n, seed)
    free = trained.run(batch)
    first = free["blocks.0.attn.hook_pattern"]
    at = torch.tensor(trained.data.labelled)
    scores = first[:, :, at, at - 1].mean((0, 2))
    mine = [h for h in range(trained.shape.n_heads) if float(scores[h]) >= least]
    rest = [h for h in range(trained.shape.n_heads) if h not in mine]
    kept = {
        "patterns": {"blocks.1.attn.hook_pattern": value(free["blocks.1.attn.hook_pattern"])},
        "values": {"blocks.1.attn.hook_v": value(free["blocks.1.attn.hook_v"])},
    }
    both = {**kept["patterns"], **kept["values"]}
    rows = []
    sets = {"previous-token heads": mine, "other heads": rest, "all heads": [*mine, *rest]}
    for name, removed in sets.items():
        off: Clamps = {"blocks.0.attn.hook_z": zero(removed)} if removed else {}
        preserved = {"nothing": {}, **kept, "patterns and values": both}
        for what, more in preserved.items():
            loss, accuracy = _score(trained, batch, {**off, **more})
            shown = "stream" if (name, what) == ("all heads", "patterns and values") else name
            rows.append((shown, tuple(sorted(removed)), what, accuracy, loss))
    columns = ["removed", "heads", "preserved", "accuracy", "loss"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs["scores"] = [round(float(one), 4) for one in scores]
    return frame


def times(run: Any, part: str = "train") -> pd.DataFrame:
    """Say when each condition of a run leaves the plateau and when it has learned (figure 5b).

    Parameters
    ----------
    run : Run or Finished
    part : str

    Returns
    -------
    DataFrame
        One row a condition: condition, plateau_left and learned (sequences until the loss is
        below .9 ln 2 and .4 ln 2; NaN: never), final (loss), sequences (in all).

    Raises
    ------
    InputError
        If it is no run, that part was not measured, or nothing yet.
    """
    if not isinstance(run, Readable):
        message = f"expected a run, or a finished one, got {run!r:.80}"
        raise InputError(message)
    curves = run.curves()
    there = list(curves["part"].unique())
    if part not in there:
        message = f"expected a part among {', '.join(there) or 'none yet'}, got {part!r:.80}"
        raise InputError(message)
    left, learned = threshold(curves, PLATEAU, part), threshold(curves, LEARNED, part)
    mine = curves[curves["part"] == part]
    last = mine[mine["step"] == mine["step"].max()].set_index("condition")
    rows = [
        (name, left[name], learned[name], last.loc[name, "loss"], last.loc[name, "sequences"])
        for name in run.conditions
    ]
    columns = ["condition", "plateau_left", "learned", "final", "sequences"]
    return pd.DataFrame(rows, columns=columns)


def properties(runs: Mapping[Any, Any], baseline: Any = None) -> pd.DataFrame:
    """Compare times over runs that differ in one property of their data (figure 6).

    Parameters
    ----------
    runs : mapping
        Value of the property, such as 50 and 200 classes -> run.
    baseline : object, optional
        The value that ratios are taken to; None: the first.

    Returns
    -------
    DataFrame
        One row a value and condition: value, condition, learned (sequences), ratio.
    """
    if not runs:
        message = "expected a run by value of a property, got none"
        raise InputError(message)
    first = next(iter(runs)) if baseline is None else baseline
    if first not in runs:
        message = f"expected a baseline among {[*runs]}, got {first!r:.80}"
        raise InputError(message)
    base = times(runs[first]).set_index("condition")["learned"]
    rows = []
    for key, one in runs.items():
        found = times(one).set_index("condition")["learned"]
        rows += [
            (key, name, found[name], found[name] / base.get(name, float("nan")))
            for name in found.index
        ]
    return pd.DataFrame(rows, columns=["value", "condition", "learned", "ratio"])


def _two_layers(trained: Any) -> Trained:
    if not isinstance(trained, Trained) or trained.shape.n_layers != 2:  # noqa: PLR2004 - as said
        message = f"expected what a run of two layers trained, got {trained!r:.80}"
        raise InputError(message)
    found: Trained = trained
    return found


def _batch(trained: Trained, n: int, seed: int) -> Batch:
    found: Batch = trained.data.draw(count("n", n, 1), generator(seed, _SALT))
    return found


def _right(trained: Trained, batch: Batch, clamps: Clamps | None) -> torch.Tensor:
    """Return which answers are right, [sequence, asked] flat."""
    found = trained.logits(batch, clamps).argmax(-1) == batch.targets
    return found.flatten()


def _score(trained: Trained, batch: Batch, clamps: Clamps | None) -> tuple[float, float]:
    logits = trained.logits(batch, clamps)
    flat, want = logits.flatten(0, 1), batch.targets.flatten()
    loss = torch.nn.functional.cross_entropy(flat, want)
    return float(loss), float((flat.argmax(-1) == want).float().mean())
