"""Stage 2, in-context identification, overall structure: where tokens stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import in_words, targets
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
