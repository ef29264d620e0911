"""Stage 2, in-context identification, overall structure: where tokens stand and recur."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import targets
from headwidgets.taxonomy.registry import CLAIMABLE, IDENTIFICATION, kind

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

OVERALL = "overall structure"


@kind(
    name="previous token",
    title="Previous token head",
    stage=IDENTIFICATION,
    category=OVERALL,
    aliases=("previous", "prev", "positional -1"),
    definition=(
        "Each token looks at the one right before it, whatever the two are. It writes there "
        "which token came before, which later heads match on."
    ),
    formula=r"\frac{1}{n-2} \sum_{i=2}^{n-1} A[i,\, i-1]",
    words=(
        "the mean attention on the token before, over queries from two places after BOS on (from "
        "1 without BOS)"
    ),
    data="random tokens [BOS, x, x]; any text",
    null="the same attention with the target moved to other places that the query can see",
    threshold=0.4,
    threshold_origin="paper",
    threshold_note="ARENA's detector on text",
    unit="attention, 0 to 1",
    evidence="attention",
    source=(
        "Olsson et al. 2022, arXiv 2209.11895; Elhage et al. 2021, A Mathematical Framework "
        "for Transformer Circuits; Voita et al. 2019, arXiv 1905.09418 (as positional heads)"
    ),
    traps=(
        (
            "On text, words of several tokens give attention to the previous one for free: the "
            "first head on text need not be the first on random tokens."
        ),
        "A head that looks at the current token seems to be one where the diagonal counts.",
        "Where row 1 can only look at BOS, a sink scores 1 there: that row is left out.",
    ),
    proof=(
        "resample its output: later heads that match on the previous token lose their match, "
        "and the loss on the second copy of random tokens rises"
    ),
    claim=CLAIMABLE,
)
def previous_token(measure: Measure) -> Scores:
    """Attention on the token before."""
    return measure.attention(targets.previous)


@kind(
    name="duplicate token",
    title="Duplicate token head",
    stage=IDENTIFICATION,
    category=OVERALL,
    aliases=("duplicate", "same token", "echo"),
    definition=(
        "A token that has occurred before looks at its own earlier occurrence, and so knows "
        "that it is a repeat and where the first one stood."
    ),
    formula=r"\frac{1}{T} \sum_{t=1}^{T} A[T + t,\, t]",
    words=(
        "the mean attention that a token of the second copy gives to its first copy, T places "
        "back; on text, summed over all earlier copies"
    ),
    data="random tokens [BOS, x, x]; controls [BOS, x, y]; any text in which tokens repeat",
    null=(
        "the target moved to other places that the query can see; and the same places on rows "
        "that repeat nothing"
    ),
    threshold=0.3,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none; besides, the copy itself must get more attention than the token "
        "after it, or the head is an induction head"
    ),
    unit="attention, 0 to 1",
    evidence="attention",
    source="Wang et al. 2022 (IOI), arXiv 2211.00593",
    traps=(
        "A head that always looks n places back scores 1 on copies n apart: hence the controls.",
        (
            "Heads of layer 0 that match on identity also look at the current token, which is "
            "identical too; their score on the copy is then about one half."
        ),
        "An induction head looks one place further.",
    ),
    proof=(
        "resample its output at the second occurrence: what depends on the repeat changes (in "
        "IOI the S-inhibition heads lose their target)"
    ),
    claim=CLAIMABLE,
)
def duplicate_token(measure: Measure) -> Scores:
    """Attention on the earlier copy of the same token."""
    return measure.attention(targets.earlier_same, control=True)
