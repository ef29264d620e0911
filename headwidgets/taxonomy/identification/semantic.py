"""Stage 2, in-context identification, meaning: what the context is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import letters, relations
from headwidgets.taxonomy.conflict import conflict
from headwidgets.taxonomy.registry import EXPLORATORY, IDENTIFICATION, MAY_FORM, kind
from headwidgets.taxonomy.sentiment import summarizing
from headwidgets.taxonomy.sources import by_source

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

SEMANTIC = "semantic information"


@kind(
    name="context",
    title="Context head",
    stage=IDENTIFICATION,
    category=SEMANTIC,
    definition=(
        "Where the prompt says other than what the model knows, it brings the answer that the "
        "prompt gives."
    ),
    formula=(
        r"\frac{\sum_x \left( D_h(c_x) - D_h(m_x) \right)}"
        r"{\sum_x \left| \ell(c_x) - \ell(m_x) \right|}"
    ),
    words=(
        "what the head adds directly, at the last token, to the logit of the context's answer c "
        "less that of the remembered answer m, over the size of the model's own difference of "
        "these logits, over all prompts"
    ),
    data='the task "memory context", with facts that the model gives right without the context',
    null="the two answers exchanged, in prompts drawn at random",
    threshold=0.05,
    threshold_origin="proposed",
    threshold_note=(
        "the paper ranks heads; besides, 0.2 of the attention on the context's answer, and that "
        "answer raised above a third one by as much"
    ),
    unit="share of the logit difference, signed: above 0 context, below 0 memory",
    evidence="direct attribution",
    source=(
        "Jin et al. 2024, arXiv 2402.18154 (by path patching); the direct form is the head "
        "attribution of Yu et al. 2023, arXiv 2310.15910"
    ),
    traps=(
        "Unless it fails as name mover and as induction head, it just copies.",
        "Memory heads are the other sign of the same number: it is measured once and listed twice.",
        "One head can carry both answers, on different prompts.",
        "Where the context says what is known anyway, nothing may remain of it.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the context's "
        "answer loses to the remembered one"
    ),
    claim=MAY_FORM,
    shares="memory against context",
    proof_task="memory context",
    proof_at="end",
)
def context(measure: Measure) -> Scores:
    """Attribution of the prompt's answer against the known one."""
    return conflict(measure, 1)


@kind(
    name="content gatherer",
    title="Content gatherer head",
    stage=IDENTIFICATION,
    category=SEMANTIC,
    definition=(
        "Brings what the right option says to the end of the prompt, where later heads find the "
        "letter or the word that goes with it."
    ),
    formula=(
        r"\frac{1}{|X|} \sum_x \left( \sum_{j \in O_c} A[e,\, j] - "
        r"\frac{1}{K-1} \sum_{k \ne c} \sum_{j \in O_k} A[e,\, j] \right)"
    ),
    words=(
        "the attention of the last position on the text of the right option (O_c), less the mean "
        "over the wrong options, letters left out"
    ),
    data='the task "options": each letter is right equally often; the model\'s accuracy beside it',
    null="another option, drawn for each prompt, taken for the right one",
    threshold=0.2,
    threshold_origin="proposed",
    threshold_note=(
        "the papers give none; a head with half of its attention on BOS, and with 0.55 of the rest "
        "on the right one of four options, just reaches it; besides, what it writes must be 2 % as "
        "long as the stream it is added to"
    ),
    unit="attention, -1/3 to 1 with four options",
    evidence="attention",
    source="Lieberum et al. 2023, arXiv 2307.09458; Merullo et al. 2024, arXiv 2310.08744",
    traps=(
        "Attention shows where it looks, not that later heads use what it brings.",
        "Its direct effect on the logits is small: direct attribution misses it.",
        "Where an option is one token, a correct letter head looks one or two places earlier.",
        "Longer options gather more attention: they must have one length.",
        "A model that guesses has no right option to look at.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: later heads lose the "
        "option that they look for, and the right letter its lead"
    ),
    claim=MAY_FORM,
    proof_task="options",
    proof_at="end",
)
def content_gatherer(measure: Measure) -> Scores:
    """Attention on the text of the right option."""
    return letters.content_gatherer(measure)


@kind(
    name="sentiment summarizer",
    title="Sentiment summarizer head",
    stage=IDENTIFICATION,
    category=SEMANTIC,
    aliases=("sentiment summariser",),
    definition=(
        "Collects the sentiment of adjectives and verbs at a neutral token, such as a comma or "
        '"movie", where later heads read it.'
    ),
    formula=(
        r"\frac{\sum_x y_x \sum_{j \in C} A[s,\, j]\, (v_j W_O) \cdot d}{\sum_x y_x\, r_s \cdot d}"
    ),
    words=(
        "what the head moves from the words with sentiment (C) to the neutral tokens (s) behind "
        "the first of them, along the direction of sentiment (d) and signed by the review (y), as "
        "a share of all that the residual stream (r) holds there after the last layer"
    ),
    data=(
        'the task "toy movie review"; d is the difference of means at the adjective, of the layer '
        "whose d tells the neutral tokens apart best, both on one half of the adjectives; measured "
        "on the other"
    ),
    null="random directions of the same length; and the sentiments permuted between the reviews",
    threshold=0.1,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none; a tenth of the sentiment that the neutral token holds, of which "
        "heads, MLPs and embedding together make 1"
    ),
    unit="share of the sentiment at the neutral token, signed",
    evidence="probe",
    source="Tigges et al. 2023, arXiv 2310.15154 (the score is ours)",
    traps=(
        "The direction decides: another layer or another half of the words gives other heads.",
        "Words that stand in both halves give their sentiment away.",
        "The neutral token stands before the end: heads that write at the end read summaries.",
        "Neutral adjectives must give nothing.",
    ),
    proof=(
        "resample its output everywhere, everything after recomputed: the right verdict loses its "
        "lead"
    ),
    claim=MAY_FORM,
    proof_task="toy movie review",
)
def sentiment_summarizer(measure: Measure) -> Scores:
    """Sentiment moved to a neutral token."""
    return summarizing(measure)


@kind(
    name="semantic induction",
    title="Semantic induction head",
    stage=IDENTIFICATION,
    category=SEMANTIC,
    definition="Looking at one end of a relation in the prompt, it makes the other end likelier.",
    formula=(
        r"\frac{1}{|E|} \sum_{(j,\, o) \in E} \frac{q_o}{\sum_{k \le j} q_k}, \qquad "
        r"q_k = \max(0,\; p_k - \bar{p}), \quad p = \operatorname{softmax}(x_j W_V W_O W_U)"
    ),
    words=(
        "at queries (j) that look at one end of a relation, 2.2 times as much as at anything else: "
        "of what the head's weights raise above the mean among the tokens in sight, the share that "
        "falls on the other end (o)"
    ),
    data=(
        'the task "agenda", or "key value" where that is not spelled: prompts that state '
        "relations; at least 20 such queries for each head"
    ),
    null=("the other ends of the prompt's relations permuted; no null is known to be calibrated"),
    threshold=0.5,
    threshold_origin="proposed",
    threshold_note=(
        "the replication takes the highest 0.1 % of heads, whatever their value; here at least "
        "half of what the head raises must be the other end"
    ),
    unit="share of what is raised, 0 to 1",
    evidence="weights",
    source="Ren et al. 2024, arXiv 2402.13055; the score as in an independent replication",
    traps=(
        "The replication found no calibrated null, and that its score missed heads which matter.",
        "Its highest heads, 0.24 and 0.37 in OLMo-2-7B, were those that look at their neighbours.",
        "Most heads have few such queries or none.",
        "The weights are read on bare embeddings: what earlier layers add is left out.",
    ),
    proof=(
        "on held-out templates, resample its output where it looks at one end, everything after "
        "recomputed: the other end loses its lead over the other ends of the prompt's other "
        "relations"
    ),
    claim=EXPLORATORY,
)
def semantic_induction(measure: Measure) -> Scores:
    """Share of what is raised that is the other end of the relation."""
    return relations.semantic(measure)


_BY_SOURCE = {
    "stage": IDENTIFICATION,
    "category": SEMANTIC,
    "data": 'the task "lre": facts of ten relations, those that the model knows',
    "null": (
        "which tokens are the subject's and which the relation's, permuted in each prompt, of "
        "heads that bring 5 % of the answer's lead in all"
    ),
    "threshold": 0.7,
    "threshold_origin": "proposed",
    "unit": "share of the attribution, -1 to 1",
    "evidence": "direct attribution",
    "source": "Chughtai et al. 2024, arXiv 2402.07321 (a ratio of attributions; the share is ours)",
    "claim": MAY_FORM,
    "shares": "attribution by source",
}


@kind(
    name="subject",
    title="Subject head",
    definition="Raises attributes of the subject, which it reads at the subject's own tokens.",
    formula=r"\frac{\sum_x D_h(a_x;\, S)}{\sum_G \left| \sum_x D_h(a_x;\, G) \right|}",
    words=(
        "what the head adds directly, at the last token, to the answer's logit above the mean of "
        "other relations' answers, from the subject's tokens S: its signed share in the sizes of "
        "what comes from the subject's, the relation's and all other tokens"
    ),
    threshold_note="most of it; besides, at most 0.15 from the relation, in all 5 % of that lead",
    traps=(
        "Tokens after the subject know it by then: the split is by place, not by what is known.",
        "A share says nothing of size: a head that adds next to nothing can have any.",
        "With a made-up subject it must not raise the right answer.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the answer loses its "
        "lead over another subject's of the same relation"
    ),
    **_BY_SOURCE,
    proof_task="lre",
    proof_at="end",
)
def subject(measure: Measure) -> Scores:
    """Share of the attribution that comes from the subject's tokens."""
    return by_source(measure, "subject")


@kind(
    name="relation",
    title="Relation head",
    definition=(
        "Raises the answers that fit the relation, right or wrong, which it reads at the tokens "
        "that name the relation."
    ),
    formula=r"\frac{\sum_x D_h(a_x;\, R)}{\sum_G \left| \sum_x D_h(a_x;\, G) \right|}",
    words=(
        "what the head adds directly, at the last token, to the answer's logit above the mean of "
        "other relations' answers, from the relation's tokens R: its signed share in the sizes of "
        "what comes from the subject's, the relation's and all other tokens"
    ),
    threshold_note="most of it; besides, at most 0.15 from the subject, in all 5 % of that lead",
    traps=(
        "It raises many answers of the relation: the right one against those others shows nothing.",
        "The relation's tokens after the subject know the subject: what they give may be its own.",
        "Resampled from another subject of the same relation it does no harm; a subject head does.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the answer loses its "
        "lead over the answers of other relations"
    ),
    **_BY_SOURCE,
    proof_task="lre",
    proof_at="end",
    proof_against="other answers",
)
def relation(measure: Measure) -> Scores:
    """Share of the attribution that comes from the relation's tokens."""
    return by_source(measure, "relation")
