"""Answers of several tokens: how likely a model finds each, in calls of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from headwidgets.errors import InputError
from headwidgets.methods.adding import LOGIT_BYTES
from headwidgets.methods.runs import edited_hooks
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from headwidgets.methods.snapshot import Ids, Snapshot
    from headwidgets.model.engine import Engine

Asked = tuple[int, "Ids"]
"""A prompt of the set, by its number, and the tokens of an answer to it."""


class Continued(NamedTuple):
    """How likely an answer is behind its prompt.

    Attributes
    ----------
    log_prob : float
        Summed over its tokens, nats.
    greedy : bool
        Whether each of its tokens is the likeliest of all after those before it.
    """

    log_prob: float
    greedy: bool


def continued(
    engine: Engine, snapshot: Snapshot, run: str, asked: Sequence[Asked]
) -> list[Continued]:
    """Return how likely answers of any number of tokens are.

    Each is read once behind its prompt, together with others of the same length; none is
    padded. The edits of an edited run are bound to the prompt's own positions; zero, mean
    and scale without ``at`` act on the answer too.

    Parameters
    ----------
    engine : Engine
    snapshot : Snapshot
    run : {"clean", "corrupted", "edited"}
    asked : sequence of (int, tuple of int)
        Numbers of prompts of the set, and token ids of answers.

    Returns
    -------
    list of Continued
        One for each of `asked`.

    Raises
    ------
    InputError
        If a prompt and its answer together exceed the context, or the run lacks a prompt.
    """
    found: dict[Asked, Continued] = {}
    different = list(dict.fromkeys(asked))
    for batch in _batches(engine, snapshot, run, different):
        checkpoint(len(found), len(different), "answers")
        logits = _logits(engine, snapshot, run, batch)
        found |= {one: _read(logits[row], one[1]) for row, one in enumerate(batch)}
    return [found[one] for one in asked]


def _read(logits: Tensor, ids: Ids) -> Continued:
    """Read an answer off the logits of a row, [position, vocabulary]; its last token is not fed."""
    own = logits[-len(ids) :].double()
    wanted = torch.tensor(ids, device=own.device)
    log = own.log_softmax(-1).gather(-1, wanted[:, None])
    return Continued(float(log.sum()), bool((own.argmax(-1) == wanted).all()))


def _logits(engine: Engine, snapshot: Snapshot, run: str, batch: Sequence[Asked]) -> Tensor:
    """Run prompts with all but the last token of an answer each; [row, position, vocabulary]."""
    with engine.exclusive():
        base, hooks = run, []
        if run == "edited":
            base, compiled = edited_hooks(engine, snapshot, [i for i, _ in batch])
            hooks = list(compiled.hooks)
        rows = [(*snapshot.pairs[i].ids(base), *ids[:-1]) for i, ids in batch]
        return engine.run(torch.tensor(rows), hooks, positions="all")


def _batches(
    engine: Engine, snapshot: Snapshot, run: str, asked: Sequence[Asked]
) -> Iterator[list[Asked]]:
    """Group answers by length, and under edits by the lengths of their prompts too."""
    groups: dict[tuple[int, ...], list[Asked]] = {}
    for i, ids in asked:
        pair = snapshot.pairs[i]
        lengths = len(pair.clean), len(pair.corrupted or ())
        own = len(pair.ids(run if run == "corrupted" else "clean"))
        key = (own + len(ids) - 1, *(lengths if run == "edited" else ()))
        groups.setdefault(key, []).append((i, ids))
    for (length, *_), group in groups.items():
        _check_context(engine, length + 1)
        fitting = LOGIT_BYTES // (4 * length * engine.facts.d_vocab)
        step = max(1, min(fitting, engine.rows_at_once(length)))
        for start in range(0, len(group), step):
            yield group[start : start + step]


def _check_context(engine: Engine, length: int) -> None:
    if length - 1 > engine.facts.n_ctx:
        message = (
            f"a prompt and an answer have {length} tokens together; this model's context is "
            f"{engine.facts.n_ctx}: shorten them"
        )
        raise InputError(message)
