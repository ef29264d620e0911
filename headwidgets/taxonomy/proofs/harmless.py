"""Vulnerable heads, proved: with their output on harmless words, the right letter returns.

García-Carrasco et al. 2024 (arXiv 2407.19842). On held-out templates words are sought that mislead;
there the head gets its output at the last token of the prompt as it was drawn, everything after it
recomputed. What lead comes back is set against what the misleading words had cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.methods.sweep import changes
from headwidgets.taxonomy.asked import END
from headwidgets.taxonomy.confirmed import Confirmed, Cost, Said, judged
from headwidgets.taxonomy.misleading import COSTS, lead_over, leads, letter_words, search
from headwidgets.taxonomy.on_task import SURE
from headwidgets.taxonomy.probing import said_at_end
from headwidgets.taxonomy.proofs import proof
from headwidgets.taxonomy.resampling import SPLIT, asking, beside, enough, matched_heads

if TYPE_CHECKING:
    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.registry import Kind


@proof("vulnerable")
def restored(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Put a head's output on harmless words into prompts with misleading ones.

    Raises
    ------
    NotMeasurable
        If no words mislead the model.
    """
    asked = asking(engine, kind.proof_task, seed=seed, split=SPLIT, n=n)
    bad = search(engine, asked, letter_words(asked))
    low, wrong = leads(asked, said_at_end(engine, bad))
    clean = lead_over(said_at_end(engine, asked.rows), asked, wrong)
    loss = (clean - low).astype(float)
    words = f"{asked.prompts.name}, n = {len(bad)}"
    lead, off = float(clean.mean()), float(clean.std(ddof=1) / np.sqrt(len(clean)))
    if not lead > SURE * off:
        message = f"{words}: the right letter's lead is {lead:.2f} ± {off:.2f}: it is not known"
        raise NotMeasurable(message)
    if not loss.mean() >= COSTS * lead:
        message = f"{words}: words chosen to mislead cost {loss.mean():.2f} of {lead:.2f} logits"
        raise NotMeasurable(message)
    both = zip(asked.rows, bad, strict=True)
    answers = zip(asked.answer, map(int, wrong), strict=True)
    snapshot = Snapshot(
        tuple(Pair(*pair) for pair in both),
        answers=tuple(LogitDiff(*one) for one in answers),
    )
    enough(snapshot, n)
    matched = matched_heads(engine, kind, snapshot, head)
    change, whole = changes(engine, snapshot, "patch", [head, *matched], at=END)
    gain = change + whole - low
    did = "as on harmless words at the last token"
    said = Said(f"misleading words of {words}", did, beside(matched, engine), "brings back")
    back = Cost(gain[0], gain[1:], loss, restores=True)
    return judged(kind, head, back, said, matched=matched, seed=seed)
