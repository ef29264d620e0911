"""Stage 3, latent reasoning, effective reasoning: what makes answers true, or breaks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import misleading
from headwidgets.taxonomy.misleading import misled
from headwidgets.taxonomy.registry import MAY_FORM, REASONING, kind
from headwidgets.taxonomy.rightness import rightness
from headwidgets.taxonomy.truth import truth

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

EFFECTIVE = "effective reasoning"


@kind(
    name="truthfulness",
    title="Truthfulness head",
    stage=REASONING,
    category=EFFECTIVE,
    definition="Its output, once an answer is read, tells whether the answer is true.",
    formula=(
        r"\frac{1}{2} \sum_{y \in \{0, 1\}} \frac{1}{|X_y|} \sum_{x \in X_y} "
        r"\left[ \hat{y}(z_x) = y \right]"
    ),
    words=(
        "how often a logistic probe on the head's output z at the last token of question and "
        "answer says rightly whether the answer is true: the mean over true and false ones, on "
        "questions that the probe was not fitted on"
    ),
    data=(
        'the task "truthfulqa": questions, each with a true and a false answer; of a model that is '
        'at chance on their verdicts, the task "lre": facts that it knows, each stated rightly and '
        "with the answer of another one of its relation"
    ),
    null=(
        "the labels of a question's true and false answers exchanged, or of all that is stated "
        "about a fact, or not, before the probe is fitted; the best of all heads"
    ),
    threshold=0.7,
    threshold_origin="proposed",
    threshold_note=(
        "the paper steers the 48 best heads; 0.69 is what a probe reaches where true and false lie "
        "one standard deviation apart; besides, 0.1 more than the rows' words alone tell"
    ),
    unit="balanced accuracy, 0 to 1; chance is 0.5",
    evidence="probe",
    source="Li et al. 2023 (inference-time intervention), arXiv 2306.03341",
    traps=(
        "What a probe can read, the model need not use.",
        (
            "The best of many heads is high by chance: of 144 with permuted labels it reaches "
            "0.75 on 60 sentences, 0.61 on 600."
        ),
        "Answers to one question on both sides of the split give it away.",
        (
            "True answers may have a negation more often: the probe then reads that, as one on the "
            "words alone does, which stands beside."
        ),
        "With fewer than 20 answers that are not true, there is nothing to fit.",
    ),
    proof=(
        "on held-out templates, about questions or facts that the shift was not found on, move its "
        "output along the shift from false to true, both ways, where a statement ends or, of "
        "facts, where the model answers: the verdict turns, or the true answer gains, and more "
        "than with directions of the same length at random and with labels permuted; facts count, "
        "not prompts"
    ),
    claim=MAY_FORM,
)
def truthfulness(measure: Measure) -> Scores:
    """Held-out accuracy of a probe for truth."""
    return truth(measure)


@kind(
    name="accuracy",
    title="Accuracy head",
    stage=REASONING,
    category=EFFECTIVE,
    definition=(
        "Its output tells whether the model's own answer to a question about a passage is right."
    ),
    formula=(
        r"\frac{1}{2} \sum_{y \in \{0, 1\}} \frac{1}{|X_y|} \sum_{x \in X_y} "
        r"\left[ \hat{y}(z_x) = y \right]"
    ),
    words=(
        "how often a logistic probe on the head's output z at the last token of passage, question "
        "and answer says rightly whether the model answered right: the mean over its right and "
        "wrong answers, on questions that the probe was not fitted on"
    ),
    data=(
        'the task "triviaqa": a passage, a question, the answer that the model gives; of a model '
        'that is at chance there, or hardly ever wrong, the task "toy mood story" on held-out '
        "templates; as many right answers as wrong ones of each template, and of each place (or, "
        "where all prompts have the same few answers, of each answer)"
    ),
    null=(
        "the labels permuted within template and place before the probe is fitted, the best of all "
        "heads in each draw"
    ),
    threshold=0.7,
    threshold_origin="proposed",
    threshold_note=(
        "the paper chooses heads by their probes; 0.69 is what a probe reaches where right and "
        "wrong lie one standard deviation apart; besides, 0.1 more than the rows' words alone tell"
    ),
    unit="balanced accuracy, 0 to 1; chance is 0.5",
    evidence="probe",
    source="Guo et al. 2024 (SIGIR), doi 10.1145/3626772.3657819 (the score is ours)",
    traps=(
        "No heads of the paper are published: there is nothing to compare with.",
        "With fewer than 20 wrong answers, or right ones, there is nothing to fit.",
        "What a probe can read, the model need not use.",
        "Hard questions look different: the probe may read the question, not the answer.",
    ),
    proof=(
        "on prompts of a split that the score has not, move its output at the last token along the "
        "shift from wrong to right, both ways, while the model answers: of the options the right "
        "one becomes likelier, and more than with directions of the same length at random and with "
        "labels permuted"
    ),
    claim=MAY_FORM,
)
def accuracy(measure: Measure) -> Scores:
    """Held-out accuracy of a probe for being right."""
    return rightness(measure)


@kind(
    name="vulnerable",
    title="Vulnerable head",
    stage=REASONING,
    category=EFFECTIVE,
    definition=(
        "On inputs chosen to mislead the model it raises the wrong answer, though it raises the "
        "right one on others."
    ),
    formula=(
        r"\frac{\bar{D}_h(X) - \bar{D}_h(\tilde{X})}{\Delta(X) - \Delta(\tilde{X})}, \qquad "
        r"D_h = D_h(c) - D_h(w)"
    ),
    words=(
        "what the head adds directly, at the last token, to the right letter c over the best wrong "
        "one w, on chosen words X, less the same on misleading words, over how far the model's own "
        "logit difference falls between the two"
    ),
    data=(
        'the task "acronyms"; its words exchanged, one after another, for those with the same '
        "first letter that leave the right letter the least lead over the best wrong one"
    ),
    null="as many words exchanged at random, not to mislead, 99 times; prompts drawn again",
    threshold=0.1,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives no number; a tenth of what misleading words cost the model; besides, the "
        "head raises the right letter on the words as drawn, and the wrong one on misleading words"
    ),
    unit="share of the loss in logit difference, signed",
    evidence="direct attribution",
    source="García-Carrasco et al. 2024, arXiv 2407.19842 (the score is ours)",
    traps=(
        "It is no mechanism of its own: in GPT-2 small, 10.10 is a letter mover that misreads A.",
        "Acronyms that are words are known without the head.",
        "Where the first two letters are missing from the prompt, another task is measured.",
    ),
    proof=(
        "on misleading words, put in its output at the last token from prompts with harmless words "
        "of the same first letters, everything after recomputed: the right letter returns"
    ),
    claim=MAY_FORM,
    proof_task="acronyms",
    proof_at="end",
    work=misleading.work,
)
def vulnerable(measure: Measure) -> Scores:
    """Share of the loss on misleading words."""
    return misled(measure)
