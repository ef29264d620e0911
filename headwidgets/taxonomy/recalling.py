"""Stage 1, knowledge recalling: heads that bring what the weights know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import letters, yes_no
from headwidgets.taxonomy.conflict import conflict
from headwidgets.taxonomy.from_weights import associative
from headwidgets.taxonomy.registry import EXPLORATORY, MAY_FORM, RECALLING, kind

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

GENERAL = "general tasks"
SPECIFIC = "specific tasks"
_LIEBERUM = "Lieberum et al. 2023, arXiv 2307.09458 (attention patterns; the score is ours)"


@kind(
    name="associative memories",
    title="Associative memories head",
    stage=RECALLING,
    category=GENERAL,
    aliases=("associative memory",),
    definition=(
        "The weights store pairs of tokens as a sum of outer products: shown the first token of "
        "a pair, the OV circuit answers with the second. Here each token is paired with itself."
    ),
    formula=(
        r"\frac{1}{|S|} \sum_{t \in S} \left[ \operatorname{argmax}_{u \in S} "
        r"\left( E(t) W_V W_O W_U \right)_u = t \right]"
    ),
    words=(
        "the share of the tokens S for which the OV circuit, given the embedding E(t) of a token "
        "after the first MLP, writes that same token more than any other of S; a tie is a miss"
    ),
    data="weights only; S: the first 500 tokens that are whole words, or all there are",
    null="which token is right, permuted",
    threshold=0.5,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none (recall comes near 1 in its model); half of all pairs, where "
        "chance finds one in |S|"
    ),
    unit="share of pairs recalled, 0 to 1",
    evidence="weights",
    source="Bietti et al. 2023, arXiv 2306.00802 (by matrix; the score of a head is ours)",
    traps=(
        (
            "It is a property of weights, not a type of head: induction heads, name movers and "
            "letter movers copy, and score as high."
        ),
        "Trained embeddings share a direction: the means of W_E and W_U must be taken out first.",
        'Spellings of one word (" The" and "the") answer for each other and count as misses.',
        "The paper's model has two layers of one head and fixed random embeddings.",
    ),
    proof=(
        "where a token is to be said again, take the direction that W_V gives it out of the head's "
        "output at the last token, everything after recomputed: the token loses its lead, and more "
        "than without the direction of another token"
    ),
    claim=EXPLORATORY,
    proof_task="repeated random tokens",
    proof_at="end",
)
def associative_memories(measure: Measure) -> Scores:
    """Pairs that the OV circuit recalls."""
    return associative(measure)


@kind(
    name="memory",
    title="Memory head",
    stage=RECALLING,
    category=GENERAL,
    definition=(
        "Where the context contradicts what the model knows, the head brings what the model "
        "knows: it looks at the subject and raises the remembered answer."
    ),
    formula=(
        r"\frac{\sum_x \left( D_h(m_x) - D_h(c_x) \right)}"
        r"{\sum_x \left| \ell(m_x) - \ell(c_x) \right|}"
    ),
    words=(
        "what the head adds directly, at the last token, to the logit of the remembered answer m "
        "less that of the context's answer c, over the size of the model's own difference of "
        "these logits, over all prompts"
    ),
    data='the task "memory context", with facts that the model gives right without the context',
    null="the two answers exchanged, in prompts drawn at random",
    threshold=0.05,
    threshold_origin="proposed",
    threshold_note=(
        "the paper ranks heads; besides, 0.2 of the attention on the subject, and the remembered "
        "answer raised above a third one by as much, or the head only suppresses the other one"
    ),
    unit="share of the logit difference, signed: above 0 memory, below 0 context",
    evidence="direct attribution",
    source=(
        "Jin et al. 2024, arXiv 2402.18154 (by path patching); the direct form is the head "
        "attribution of Yu et al. 2023, arXiv 2310.15910"
    ),
    traps=(
        (
            "A head that suppresses copies helps the memory without holding it: in GPT-2 small, "
            "10.7 and 11.10 look at the context's answer and lower it."
        ),
        "One head may do both, from one prompt to the next.",
        "Without a fact that the model knows, there is no memory to measure.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the context's "
        "answer gains on the remembered one"
    ),
    claim=MAY_FORM,
    shares="memory against context",
    proof_task="memory context",
    proof_at="end",
    proof_sign=-1,
)
def memory(measure: Measure) -> Scores:
    """Direct attribution of the remembered answer against the context's."""
    return conflict(measure, -1)


@kind(
    name="constant",
    title="Constant head",
    stage=RECALLING,
    category=SPECIFIC,
    aliases=("uniform",),
    definition=(
        "In a multiple-choice question it looks evenly at the letters of all the options, "
        "whichever is right."
    ),
    formula=r"\frac{1 - J}{N} \sum_x m_x \frac{H(a_x)}{\ln 4}, \qquad m_x = \sum_k A[e,\, p_k]",
    words=(
        "the last token's attention m on the four letters, times how evenly it is spread (its "
        "shares a have the entropy H), times how little the mean shares depend on which letter "
        "is right (J: their Jensen-Shannon divergence, 0 to 1)"
    ),
    data='the task "options": four letters in permuted places, each right equally often',
    null="the same four places moved together, by another distance in each prompt, onto no letter",
    threshold=0.2,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none; besides, the letters must get 0.3 of the attention, with 0.8 of the "
        "entropy of even shares (three letters have 0.79), the right one less than 0.2 more than "
        "the others, and what the options say at most half as even a look"
    ),
    unit="attention, 0 to 1",
    evidence="attention",
    source=_LIEBERUM,
    traps=(
        "Uniform attention is even too: only its small mass on the letters gives it away.",
        "A BOS sink and the nearness of the last option both distort the shares.",
        "In prompts with solved examples, only the letters of the last question count.",
        "Small models guess: read the accuracy beside it.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: if the right letter "
        "loses its lead, the task needs the head; that it serves all four letters alike, the score "
        "alone says"
    ),
    claim=MAY_FORM,
    proof_task="options",
    proof_at="end",
)
def constant(measure: Measure) -> Scores:
    """Even attention on the letters of the options."""
    return letters.constant(measure)


@kind(
    name="single letter",
    title="Single letter head",
    stage=RECALLING,
    category=SPECIFIC,
    definition=(
        "In a multiple-choice question it looks at one and the same letter, whichever is right "
        "and wherever that letter stands."
    ),
    formula=(
        r"(1 - J) \max_k \left( \overline{A[e,\, p_k]} "
        r"- \frac{1}{3} \sum_{j \neq k} \overline{A[e,\, p_j]} \right)"
    ),
    words=(
        "the last token's mean attention on its favorite letter less that on the three others, "
        "times how little the shares depend on which letter is right (J: their Jensen-Shannon "
        "divergence, 0 to 1)"
    ),
    data='the task "options": four letters in permuted places, each right equally often',
    null="letters permuted over the four places of each prompt; the favorite chosen again",
    threshold=0.3,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none; as much attention as a constant head must have; besides, the score "
        "must be above that of the four places, whichever letter stands there, and above what the "
        "heads make of 99 sets of four words of the vocabulary in the letters' places (p ≤ .01)"
    ),
    unit="attention, 0 to 1",
    evidence="attention",
    source=_LIEBERUM,
    traps=(
        "A head that looks at a place, such as the last option, must not count: letters permute.",
        "A head that looks at B only where B is right is no single letter head: J lowers it.",
        "With few prompts, the favorite of four letters is ahead by chance.",
        "A head that prefers some tokens to others, whatever they are, has a favorite letter too.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: if the right letter "
        "loses its lead, the task needs the head; that one letter has it all, the score alone says"
    ),
    claim=MAY_FORM,
    proof_task="options",
    proof_at="end",
)
def single_letter(measure: Measure) -> Scores:
    """Attention on one letter whatever the answer."""
    return letters.single_letter(measure)


@kind(
    name="negative",
    title="Negative head",
    stage=RECALLING,
    category=SPECIFIC,
    aliases=("negative attention",),
    definition=(
        "Asked to answer yes or no, it looks at the no of the instruction, whatever the question."
    ),
    formula=(
        r"\frac{1}{2} \sum_{o=1}^{2} \frac{1}{|Q_o|} \sum_{i \in Q_o} "
        r"\left( A[i,\, y] + A[i,\, n] \right) \ln \frac{A[i,\, n]}{A[i,\, y]}"
    ),
    words=(
        "the attention on yes and no together, times the log of their ratio, averaged over the "
        "queries Q after both words, then over the prompt and the same with the two exchanged"
    ),
    data='the task "yes no": each prompt in both orders, yes and no right equally often',
    null="yes and no exchanged, in prompts drawn at random, after both orders are averaged",
    threshold=0.1,
    threshold_origin="proposed",
    threshold_note=(
        "the paper ranks heads; 0.1 of the attention on no and half as much on yes score 0.104; "
        "besides, above 0 in each order, reached where yes is right and where no is, neither less "
        "than half of the other, and above what the heads make of 99 pairs of words of the "
        "vocabulary in the places of yes and no (p ≤ .01)"
    ),
    unit="attention times a log ratio, signed: 0 for equal attention, above 0 for more on no",
    evidence="attention",
    source=(
        "Yu et al. 2024, arXiv 2408.00137; Zheng et al. 2024, arXiv 2409.03752, equation 5 "
        "(a sum over queries, in one order)"
    ),
    traps=(
        "The nearer of the two gets more attention: without both orders, place passes for no.",
        "A sum over queries grows with the prompt: here it is a mean.",
        "A high score where no is right proves nothing: it must be as high where yes is.",
    ),
    proof=(
        "resample its output everywhere, everything after recomputed: if the right word loses its "
        "lead, the task needs the head; that no has it and not yes, the score alone says"
    ),
    claim=MAY_FORM,
    proof_task="yes no",
)
def negative(measure: Measure) -> Scores:
    """Attention on no against yes."""
    return yes_no.negative(measure)
