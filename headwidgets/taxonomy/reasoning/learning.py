"""Stage 3, latent reasoning, in-context learning: from what the context shows to what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import function_vectors, summaries, targets
from headwidgets.taxonomy.copying import copying
from headwidgets.taxonomy.function_vectors import transporting
from headwidgets.taxonomy.in_context import teaching
from headwidgets.taxonomy.registry import CLAIMABLE, MAY_FORM, REASONING, kind
from headwidgets.taxonomy.summaries import reading
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

LEARNING = "in-context learning"


@kind(
    name="summary reader",
    title="Summary reader head",
    stage=REASONING,
    category=LEARNING,
    definition=(
        "At the end of the prompt it reads the sentiment from the neutral tokens that sum it up, "
        'such as a comma or "movie", and moves it to the answer.'
    ),
    formula=(
        r"\frac{\sum_x \left( \Delta(x) - \Delta(x \mid v_S \leftarrow \tilde{v}_S) \right)}"
        r"{\sum_x \left( \Delta(x) - \Delta(\tilde{x}) \right)}"
    ),
    words=(
        "how far the logit difference falls if the head's values at the neutral tokens S come from "
        "the opposite review, by its direct path to the logits alone, over how far it falls if the "
        "whole prompt becomes the opposite one"
    ),
    data='the task "toy movie review", each prompt beside the one of opposite sentiment',
    null="values taken from other reviews of the same sentiment and length; reviews drawn again",
    threshold=0.05,
    threshold_origin="proposed",
    threshold_note="the paper gives no score of a head; a twentieth of what the review decides",
    unit="share of the logit difference, signed",
    evidence="causal",
    source="Tigges et al. 2023, arXiv 2310.15154 (circuit by patching; the score is ours)",
    traps=(
        "Attention to a comma may be a sink: a neutral review must get less of it.",
        'It need not be punctuation: in GPT-2 small, 7.1 reads the word "movie".',
        "Opposites of other lengths in tokens shift every place behind them.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the right verdict "
        "loses its lead"
    ),
    claim=MAY_FORM,
    proof_task="toy movie review",
    proof_at="end",
    work=summaries.work,
)
def summary_reader(measure: Measure) -> Scores:
    """Effect of what is read at the neutral tokens."""
    return reading(measure)


@kind(
    name="function vector",
    title="Function vector head",
    stage=REASONING,
    category=LEARNING,
    aliases=("FV",),
    definition=(
        "Writes at the end of the prompt which task the examples show, so that its mean output "
        "makes the model do the task without examples that show it."
    ),
    formula=(
        r"\bar{P}(a_x \mid \tilde{x},\, o_h \leftarrow \bar{o}_h) - \max \left( "
        r"\bar{P}(a_x \mid \tilde{x}),\; "
        r"\bar{P}(a_x \mid \tilde{x},\, o_h \leftarrow \bar{o}'_h) \right)"
    ),
    words=(
        "how much more likely the right answer becomes, on prompts whose examples have shuffled "
        "labels, if the head's output at the last token is set to its mean over prompts with the "
        "right labels; less, where that is more, what its mean output on another task gives; the "
        "mean over tasks"
    ),
    data=(
        'the tasks "few-shot pairs: ...", those that the model does: words sorted under two '
        "labels, each task beside the one with the labels exchanged, and words mapped to answers "
        "of their own, each beside the next; labels right, and shuffled"
    ),
    null="prompts drawn again, each head's own mean taken off",
    threshold=0.01,
    threshold_origin="proposed",
    threshold_note="the paper takes the ten largest; these lie between 0.01 and 0.06 in its models",
    unit="probability, -1 to 1",
    evidence="causal",
    source=(
        "Todd et al. 2023, arXiv 2310.15213 (average indirect effect; another task taken off: ours)"
    ),
    traps=(
        "Shuffled labels may be right by chance: such prompts must go.",
        "A probability near 0 or 1 hardly moves, whatever the head does.",
        "Of answers with several tokens only the first is seen.",
        "Negative values are of heads that work against the task.",
        "Prompts of a task share its mean output: the score's p says nothing of other tasks.",
    ),
    proof=(
        "on held-out templates, add its mean output to prompts without examples: the right answers "
        "rise, more than by that of another task; and resample its output, from another task, on "
        "prompts with examples: they fall; where the model does five tasks, tasks count, not "
        "prompts"
    ),
    claim=MAY_FORM,
    work=function_vectors.work,
)
def function_vector(measure: Measure) -> Scores:
    """Effect of the mean output on prompts whose examples show nothing."""
    return transporting(measure)


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
    proof=(
        "resample its output everywhere, everything after recomputed: what comes next in the "
        "second copy loses its lead"
    ),
    claim=CLAIMABLE,
    proof_task="repeated random tokens",
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


@kind(
    name="in-context",
    title="In-context head",
    stage=REASONING,
    category=LEARNING,
    definition=(
        "Where examples bear labels of no meaning, it matches the question with the examples that "
        "are like it and brings their label."
    ),
    formula=(
        r"\max_b \frac{1}{|X_b|} \sum_{x \in X_b} \left( "
        r"\log \frac{p(b \mid r_x + o_h)}{p(b \mid r_x)} - "
        r"\log \frac{p(b' \mid r_x + o_h)}{p(b' \mid r_x)} \right)"
    ),
    words=(
        "how much the head's output, added at the last token to the residual stream r that enters "
        "its layer and read through the unembedding, raises the log-probability of the right label "
        "b, less what it does to that of the prompt's other label b', and less what it adds to b "
        "over b' whichever is right; the mean over prompts with that label, for the label that it "
        "serves most"
    ),
    data='the task "few-shot labels": labels such as foo and bar, in balanced order',
    null=(
        "prompts drawn again, each head's own mean for a label taken off; the label with the most "
        "taken again"
    ),
    threshold=0.1,
    threshold_origin="proposed",
    threshold_note=(
        "the paper takes the ten largest for each label; ours: the odds of the label a tenth more; "
        "besides, 0.1 more of the attention on the right label's examples than on the other's; "
        "labels that are right on 8 prompts and more"
    ),
    unit="nats",
    evidence="direct attribution",
    source="Yu and Ananiadou 2024, arXiv 2402.02872 (their score of b; that of b' off: ours)",
    traps=(
        (
            "A head may raise one label whatever is asked, the commoner or the latest one: on "
            "prompts with the other label it must not."
        ),
        "Log-probabilities of several heads do not add up: direct attribution stands beside.",
        "In early layers the unembedding reads little of what the residual stream holds.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the right label loses "
        "its lead over the other"
    ),
    claim=MAY_FORM,
    proof_task="few-shot labels",
    proof_at="end",
)
def in_context(measure: Measure) -> Scores:
    """Log-probability that the head adds to the right label."""
    return teaching(measure)
