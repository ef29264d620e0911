"""Stage 3, latent reasoning, in-context learning: from what the context shows to what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import targets
from headwidgets.taxonomy.copying import copying
from headwidgets.taxonomy.registry import CLAIMABLE, REASONING, kind
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

LEARNING = "in-context learning"


@kind(
    name="induction",
    title="Induction head",
    stage=REASONING,
    category=LEARNING,
    aliases=("prefix matching", "induction copy"),
    definition=(
        "A token that has occurred before looks at what followed it then, and makes that "
        "token more likely next: A B ... A -> B."
    ),
    formula=(
        r"\frac{1}{T} \sum_{t=1}^{T} A[T + t,\, t + 1], \qquad "
        r"\frac{\sum_k \operatorname{Re} \lambda_k}{\sum_k |\lambda_k|} > 0"
    ),
    words=(
        "the mean attention that a token of the second copy gives to what followed its first "
        "copy; besides, copying: the eigenvalues of W_E W_V W_O W_U, their sum over the sum of "
        "their sizes, above 0"
    ),
    data="random tokens [BOS, x, x]; controls [BOS, x, y]; any text in which tokens repeat",
    null=(
        "the target moved to other places that the query can see; and the same places on rows "
        "that repeat nothing. For copying: the vocabulary of the output permuted"
    ),
    threshold=0.4,
    threshold_origin="paper",
    threshold_note="plots of Olsson et al. 2022; the copying part is Elhage et al. 2021",
    unit="attention, 0 to 1",
    evidence="attention",
    source=(
        "Olsson et al. 2022, arXiv 2209.11895; Elhage et al. 2021, A Mathematical Framework "
        "for Transformer Circuits"
    ),
    traps=(
        (
            "Attention alone is half of it: a head may look at the right token and write something "
            "else. Copying alone is not it either: in GPT-2 small the best copier, 11.3, does not "
            "look there."
        ),
        "A BOS sink lowers the score of a true induction head.",
        "Duplicate token heads look one place earlier.",
    ),
    proof="resample its output on random repeated tokens: the loss on the second copy rises",
    claim=CLAIMABLE,
)
def induction(measure: Measure) -> Scores:
    """Attention on what followed the earlier copy, by a head that copies."""
    scores = measure.attention(targets.after_earlier_same, control=True)
    scores.task_accuracy = measure.repeat_accuracy()
    after_norm = " before the norm after attention" if measure.engine.facts.post_norm else ""
    for head in scores.reaching(measure.threshold):
        try:
            found = copying(measure.engine, head, seed=measure.seed)
        except NotMeasurable as error:
            scores.remark(head, str(error), at_most=CANDIDATE)
            continue
        words = f"copying {found.value:+.2f}{after_norm}"
        if found.copies:
            scores.remark(head, words)
        else:
            scores.remark(head, f"{words} (p = {found.p:.3f}): no copier", at_most=CANDIDATE)
    return scores
