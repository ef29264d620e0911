"""Stage 2, in-context identification, syntax: words, arcs and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import in_words, moving
from headwidgets.taxonomy.registry import CLAIMABLE, IDENTIFICATION, MAY_FORM, kind

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

SYNTACTIC = "syntactic information"


@kind(
    name="subword merge",
    title="Subword merge head",
    stage=IDENTIFICATION,
    category=SYNTACTIC,
    definition=(
        "A later piece of a word looks at the earlier pieces of the same word, and gathers them."
    ),
    formula=(
        r"\frac{1}{|N|} \sum_{i \in N} \sum_{j \in W(i)} A[i,\, j] - "
        r"\frac{1}{|F|} \sum_{i \in F} \sum_{j \in W'(i)} A[i,\, j]"
    ),
    words=(
        "the attention of later pieces N on the earlier pieces W of their word, less the "
        "attention of the first pieces F of such words on the tokens W' equally far back, which "
        "are other words"
    ),
    data='the task "subword pieces"; any text with words that the tokenizer cuts',
    null="the text cut into words elsewhere, with words of the same lengths",
    threshold=0.3,
    threshold_origin="proposed",
    threshold_note="the paper gives none; as much as a duplicate token head must have",
    unit="difference of attention, -1 to 1",
    evidence="attention",
    source="Ferrando and Voita 2024, arXiv 2403.00824 (by contributions; the score is ours)",
    traps=(
        "In a word of two pieces a previous token head looks the same: hence the first pieces.",
        "Much attention on a small value writes little.",
        "A tokenizer that cuts no words leaves nothing to measure.",
    ),
    proof=(
        "resample its output everywhere, everything after recomputed: behind the first pieces of a "
        "word that has come before, its last piece loses its lead over another"
    ),
    claim=CLAIMABLE,
    proof_task="subword pieces",
)
def subword_merge(measure: Measure) -> Scores:
    """Attention inside words against attention across words."""
    return in_words.subword_merge(measure)


@kind(
    name="syntactic",
    title="Syntactic head",
    stage=IDENTIFICATION,
    category=SYNTACTIC,
    definition=(
        "A word looks most at the word that it depends on, or that depends on it, by one "
        "grammatical relation: a verb at its subject."
    ),
    formula=(
        r"\frac{1}{N} \sum_x \left[ \operatorname{argmax}_{j \ge 1} A[e,\, j] = s_x \right] - b"
    ),
    words=(
        "the share of sentences in which the last token before the verb looks most at the verb's "
        "subject s, BOS left out, less the share b that one fixed place gets right, counted from "
        "the end or from the start"
    ),
    data=(
        'the task "syntactic arcs"; the fixed place is chosen on one half of the sentences and '
        "scored on the other"
    ),
    null=(
        "the word that stands where the subject of another sentence does, counted from the end or "
        "from the start; the best fixed place again"
    ),
    threshold=0.1,
    threshold_origin="paper",
    threshold_note=(
        "ten points above the most frequent distance (places from the start are ours); besides, "
        "more often the subject than the noun between, and 0.05 of the attention not on BOS"
    ),
    unit="difference of shares, -1 to 1",
    evidence="attention",
    source="Voita et al. 2019, arXiv 1905.09418 (encoders that translate)",
    traps=(
        "One relation only: an adjective stands right before its noun, which distance alone finds.",
        "The subject is the first noun of each sentence: a head that looks at first nouns scores.",
        "A query sees only what is to its left: half of the paper's directions are out of reach.",
        "No head of a model that reads left to right has been listed.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the verb that agrees "
        "with the subject loses its lead over the other form"
    ),
    claim=MAY_FORM,
    proof_task="syntactic arcs",
    proof_at="end",
)
def syntactic(measure: Measure) -> Scores:
    """Largest attention on the grammatical partner."""
    return in_words.syntactic(measure)


@kind(
    name="mover",
    title="Mover head",
    stage=IDENTIFICATION,
    category=SYNTACTIC,
    definition="At the last token it looks at the subject of a fact, and moves what stands there.",
    formula=(
        r"\frac{1}{N} \sum_x \left( \log \frac{p(a_x)}{p_{-h(x)}(a_x)} - "
        r"\log \frac{p(a_x)}{p_{-h(x')}(a_x)} \right)"
    ),
    words=(
        "the fall in the log probability of the answer a when what the head wrote at the last "
        "token, h(x), is taken off the last residual stream, less the fall when what it wrote "
        "there on another fact x' of the same relation is taken off: the mean of five such facts"
    ),
    data='the task "lre": facts that the model ranks among the first ten',
    null="facts drawn again, each head's own mean taken off: what chance makes of their spread",
    threshold=0.02,
    threshold_origin="proposed",
    threshold_note=(
        "the largest of the paper's cuts (0.02, 0.01, 0.005) of a whole edge, which the first term "
        "must reach by itself; besides, 0.1 of the attention on the subject, and more than on the "
        "relation; at least 20 facts that it knows"
    ),
    unit="nats, signed",
    evidence="causal",
    source="Yao et al. 2024, arXiv 2405.17969 (edges by ACDC; by head is ours)",
    traps=(
        "Cutting to zero leaves what the model ever sees: any large output counts for something.",
        "A relation head may raise the answer without the subject: look where it looks.",
        "A circuit found on one prompt need not serve the next.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the answer loses its "
        "lead over that of another subject"
    ),
    claim=MAY_FORM,
    proof_task="lre",
    proof_at="end",
    work=moving.work,
)
def mover(measure: Measure) -> Scores:
    """Effect of the edge to the logits on facts."""
    return moving.moving(measure)
