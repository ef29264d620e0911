"""Stage 2, in-context identification, overall structure: where tokens have stood before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import positional, retrieved, targets
from headwidgets.taxonomy.identification.overall import OVERALL
from headwidgets.taxonomy.registry import CLAIMABLE, IDENTIFICATION, MAY_FORM, kind

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores


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
        "resample its output where the subject comes again (S2), everything after recomputed: the "
        "S-inhibition heads lose their target, and the other name its lead"
    ),
    claim=CLAIMABLE,
    proof_task="ioi",
    proof_at="S2",
)
def duplicate_token(measure: Measure) -> Scores:
    """Attention on the earlier copy of the same token."""
    return measure.attention(targets.earlier_same, control=True)


@kind(
    name="retrieval",
    title="Retrieval head",
    stage=IDENTIFICATION,
    category=OVERALL,
    definition=(
        "Before each token of an answer that stands far back in a long context, it looks most at "
        "that very token, and copies it."
    ),
    formula=(
        r"\frac{1}{|E|} \sum_{x \in E} "
        r"\left[ \operatorname{argmax}_{j \ge 1} A[e,\, j] = k_x \right]"
    ),
    words=(
        "of the prompts E whose answer the model says itself, one token that stands in the prompt "
        "once, at k: the share in which the last position looks most at k, BOS left out"
    ),
    data=(
        'the task "needle in a haystack", at most 256 tokens, where the model finds needles; else '
        'the task "key value"'
    ),
    null=(
        "the place where the needle of another prompt lies, counted from the end; the values of "
        "the other keys"
    ),
    threshold=0.1,
    threshold_origin="paper",
    threshold_note=(
        "of answers that the model wrote itself, 3 to 6 % of the heads of four families; besides, "
        "0.05 of the attention must not be on BOS, and with keys and values it must beat the null "
        "where induction does not find the value"
    ),
    unit="share of episodes, 0 to 1",
    evidence="attention",
    source=(
        "Wu et al. 2024, arXiv 2404.15574; Zheng et al. 2024, arXiv 2409.03752, equation 4: the "
        "share of the needle's different tokens; here the needle has one to copy"
    ),
    traps=(
        "It sees literal copying, so induction heads score: question and needle share no phrase.",
        "Needles that the model does not find are left out: read how many remain.",
        "The needle's number is the only one in its haystack: a head that looks at numbers scores.",
        "It may score with its largest attention on BOS, which the paper counts as a miss.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the value that is "
        "asked for loses its lead over another"
    ),
    claim=MAY_FORM,
    proof_task="key value",
    proof_at="end",
)
def retrieval(measure: Measure) -> Scores:
    """Share of the needle's tokens that the head copies."""
    return retrieved.retrieval(measure)


@kind(
    name="global retrieval",
    title="Global retrieval head",
    stage=IDENTIFICATION,
    category=OVERALL,
    definition=(
        "It looks far back, at every earlier copy of its token or at what followed one, where "
        "other heads only see what is near."
    ),
    formula=(
        r"\frac{1}{3T} \sum_{i=T+1}^{4T} \sum_{b \ge 1} "
        r"\left( A[i,\, i - bT] + A[i,\, i - bT + 1] \right)"
    ),
    words=(
        "in the second to fourth copy of a block of T tokens: the mean attention on all earlier "
        "copies of the token (echo) and on what followed them (induction)"
    ),
    data="random tokens [BOS, x, x, x, x]; controls [BOS, x, y, z, w]",
    null=(
        "the targets moved to other places that the query can see, no copies and not beside one; "
        "and the same places on rows that repeat nothing"
    ),
    threshold=0.3,
    threshold_origin="proposed",
    threshold_note="the paper takes a quota of heads; as much as a duplicate token head must have",
    unit="attention, 0 to 1",
    evidence="attention",
    source="Tang et al. 2024, arXiv 2407.15891 (RazorAttention; sum over all queries, ranks only)",
    traps=(
        "Every strong duplicate token or induction head is one: do not count it twice.",
        "With T inside a local window, a local head is not told from a global one.",
        "Where heads share keys, the paper takes the best of the group; this is one head's score.",
    ),
    proof=(
        "resample its output everywhere, everything after recomputed: what comes next in the "
        "second copy loses its lead"
    ),
    claim=CLAIMABLE,
    proof_task="repeated random tokens",
)
def global_retrieval(measure: Measure) -> Scores:
    """Attention on all earlier copies and what followed them."""
    return positional.global_retrieval(measure)
