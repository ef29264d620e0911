"""Stage 2, in-context identification, overall structure: where tokens stand and recur."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import in_words, retrieved, targets
from headwidgets.taxonomy import positional as by_place
from headwidgets.taxonomy.registry import CLAIMABLE, IDENTIFICATION, MAY_FORM, kind

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
        "resample its output everywhere, everything after recomputed: later heads that match on "
        "the previous token lose their match, and what comes next in the second copy its lead"
    ),
    claim=CLAIMABLE,
    proof_task="repeated random tokens",
)
def previous_token(measure: Measure) -> Scores:
    """Attention on the token before."""
    return measure.attention(targets.previous)


@kind(
    name="positional",
    title="Positional head",
    stage=IDENTIFICATION,
    category=OVERALL,
    definition="Each token looks most at the one a fixed number of places back, whatever it is.",
    formula=(
        r"\max_{1 \le d \le 8} \; \frac{1}{n - d} \sum_{i=d+1}^{n} "
        r"\left[ \operatorname{argmax}_{j \ge 1} A[i,\, j] = i - d \right]"
    ),
    words=(
        "the share of queries that look most at the place d back, BOS left out and a tie a miss, "
        "for the best d from 1 to 8"
    ),
    data="random tokens that do not repeat; any text",
    null=(
        "each query's attention turned round, among the tokens that it sees, by a random number of "
        "places; the best d again"
    ),
    threshold=0.9,
    threshold_origin="paper",
    threshold_note=(
        '"at least 90% of the time"; besides, 0.05 of the attention must not be on BOS; and below '
        "one half it is none, however far above chance"
    ),
    unit="share of queries, 0 to 1",
    evidence="attention",
    source=(
        "Voita et al. 2019, arXiv 1905.09418 (encoders that translate, distance 1 either way); "
        "Ferrando and Voita 2024, arXiv 2403.00824; distances up to 8 are ours"
    ),
    traps=(
        "Where BOS takes most of the attention, what is largest among the rest says little.",
        "In text that repeats with a fixed period, an induction head seems positional.",
        "At d = 1 it is a previous token head as well: one head, two names.",
        "Distance 0 is left out: a head that looks at the current token is another thing.",
    ),
    proof=(
        "resample its output everywhere, everything after recomputed: what comes next in the "
        "second copy loses its lead"
    ),
    claim=CLAIMABLE,
    proof_task="repeated random tokens",
)
def positional(measure: Measure) -> Scores:
    """Share of queries that look most at one distance."""
    return by_place.positional(measure)


@kind(
    name="rare words",
    title="Rare words head",
    stage=IDENTIFICATION,
    category=OVERALL,
    aliases=("rare word",),
    definition="Tokens look most at the rarest word of the sentence, wherever it stands.",
    formula=(
        r"\frac{1}{|Q|} \sum_{i \in Q} \left[ \operatorname{argmax}_{1 \le j \le i} "
        r"A[i,\, j] = r \right], \qquad Q = \{ i : i > r \}"
    ),
    words="the share of the queries behind the rarest word r that look most at it, BOS left out",
    data='the task "rare words": six nouns, two of them over and over, one rare, at any place',
    null="any of the six nouns taken for the rare one",
    threshold=0.5,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none; its head looks there in 66 % of subtitles; besides, 0.05 of the "
        "attention must not be on BOS"
    ),
    unit="share of queries, 0 to 1",
    evidence="attention",
    source="Voita et al. 2019, arXiv 1905.09418 (layer 0 of encoders that translate)",
    traps=(
        "No head of a model that reads left to right is known to be one.",
        "Tokenizers cut rare words into pieces: those of the task are one token, so not that rare.",
        "Rare words often end a sentence or begin with a capital: places must be balanced.",
        "A word that comes once among repeated ones may be found as new, not as rare.",
    ),
    proof=(
        "resample its output everywhere, everything after recomputed: the rare word loses its lead "
        "over a common one"
    ),
    claim=MAY_FORM,
    proof_task="rare words",
)
def rare_words(measure: Measure) -> Scores:
    """Share of queries that look most at the rare word."""
    return in_words.rare_words(measure)


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
    return by_place.global_retrieval(measure)
