"""What an edit costs on text that it should leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.methods.adding import LOGIT_BYTES
from headwidgets.methods.metrics import kl_divergence
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.prompts import Prompts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.methods.adding import Adding
    from headwidgets.methods.snapshot import Ids
    from headwidgets.model.engine import Engine


def read_neutral(engine: Engine, snapshot: Snapshot, value: Any) -> tuple[list[Ids], str]:
    """Return neutral texts as token ids, and what they are.

    Parameters
    ----------
    value : list of str or token ids, or None
        None: the reference of the session, else its own clean prompts.
    """
    if value is None:
        own = snapshot.reference is None
        pairs = snapshot.pairs if snapshot.reference is None else snapshot.reference
        words = "your own prompts, for want of neutral ones" if own else "the reference"
        return [pair.clean for pair in pairs], f"{words}, n = {len(pairs)}"
    given = Prompts.read(value).clean
    texts = [tuple(engine.text.encode(p)) if isinstance(p, str) else p for p in given]
    for text in texts:
        if len(text) > engine.facts.n_ctx:
            message = (
                f"a neutral text has {len(text)} tokens; this model's context is "
                f"{engine.facts.n_ctx}: shorten it"
            )
            raise InputError(message)
    return texts, f"neutral texts, n = {len(texts)}"


def cost(
    engine: Engine, texts: Sequence[Ids], adding: Adding, vectors: Tensor
) -> NDArray[np.float64]:
    """Return the mean KL(clean ‖ edited) per token of each vector, nats, [vector].

    Every token of every text counts once; the vector is added at all of them.
    """
    total, tokens = np.zeros(len(vectors)), 0
    around = Snapshot(pairs=tuple(Pair(clean=text) for text in texts))
    longest = max(map(len, texts))
    for batch in around.batches(limit=_rows(engine, longest)):
        rows = [texts[i] for i in batch]
        clean = next(adding.everywhere(rows, vectors[:1] * 0))[1][0]
        for first, found in adding.everywhere(rows, vectors):
            for i, one in enumerate(found):
                # position by position: a long text's distributions never all exist again
                for place in range(one.shape[1]):
                    kl = kl_divergence(clean[:, place], one[:, place])
                    total[first + i] += float(kl.double().sum())
        tokens += len(rows) * len(rows[0])
    return total / tokens


def _rows(engine: Engine, length: int) -> int:
    return max(1, LOGIT_BYTES // (length * engine.facts.d_vocab * 4))
