"""Stage 4, expression preparation: heads that make ready what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import chains, languages, letters
from headwidgets.taxonomy.amplifying import amplifying
from headwidgets.taxonomy.chains import faithful
from headwidgets.taxonomy.languages import coherent
from headwidgets.taxonomy.registry import EXPLORATORY, MAY_FORM, PREPARATION, kind
from headwidgets.taxonomy.sources import by_source

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

AGGREGATION = "information aggregation"
AMPLIFICATION = "signal amplification"
ALIGNMENT = "instruction alignment"


@kind(
    name="mixed",
    title="Mixed head",
    stage=PREPARATION,
    category=AGGREGATION,
    definition=(
        "Raises the answer to a question of fact from the subject's tokens and from the relation's "
        "at once."
    ),
    formula=(
        r"\min_{G \in \{S, R\}} "
        r"\frac{\sum_x D_h(a_x;\, G)}{\sum_{G'} \left| \sum_x D_h(a_x;\, G') \right|}"
    ),
    words=(
        "what the head adds directly, at the last token, to the answer's logit above the mean of "
        "other relations' answers: the signed share that comes from the subject's tokens S or the "
        "one from the relation's tokens R, whichever is less"
    ),
    data='the task "lre": facts of ten relations, those that the model knows',
    null=(
        "which tokens are the subject's and which the relation's, permuted in each prompt, of "
        "heads that bring 5 % of the answer's lead in all"
    ),
    threshold=0.25,
    threshold_origin="proposed",
    threshold_note=("a quarter from each; besides, in all at least 5 % of the answer's lead"),
    unit="share of the attribution, -1 to 1/2",
    evidence="direct attribution",
    source="Chughtai et al. 2024, arXiv 2402.07321 (a ratio of attributions; the share is ours)",
    traps=(
        (
            "The relation's tokens after the subject know the subject: a subject head that reads "
            "it there seems mixed."
        ),
        "A head that looks everywhere is mixed by attention alone.",
        "A share says nothing of size: a head that adds next to nothing can have any.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the answer loses its "
        "lead over the answers of other relations"
    ),
    claim=MAY_FORM,
    shares="attribution by source",
    proof_task="lre",
    proof_at="end",
    proof_against="other answers",
)
def mixed(measure: Measure) -> Scores:
    """Lesser of the shares from the subject's and from the relation's tokens."""
    return by_source(measure, "mixed")


@kind(
    name="amplification",
    title="Amplification head",
    stage=PREPARATION,
    category=AMPLIFICATION,
    definition=(
        "Late in the model the last tokens look at themselves, and the head raises further the "
        "letter that already leads."
    ),
    formula=r"\operatorname{corr}_{x,\, k} \left( u_k(x),\; D_h(k; x) \right)",
    words=(
        "over prompts and letters k: the correlation of the letter's logit as the residual stream "
        "holds it before the head's layer (u) with what the head adds to it directly, each less "
        "its mean over the letters of the prompt and less its mean over the prompts"
    ),
    data='the task "options": four letters in permuted places, each right equally often',
    null="a random W_O in the place of the head's own",
    threshold=0.5,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none; besides, at least 0.02 added to a lead of 1 (the slope), and at "
        "least half of the last token's attention on the last three tokens"
    ),
    unit="correlation, -1 to 1",
    evidence="direct attribution",
    source="Lieberum et al. 2023, arXiv 2307.09458 (by inspection; the score is ours)",
    traps=(
        "A correlation has no size: a head may follow the leader and add next to nothing.",
        (
            "Prompts are alike, so a random head correlates more than their number suggests: only "
            "random matrices tell by how much."
        ),
        "In the middle of the model the unembedding reads little of the residual stream.",
        "Below 0 it holds back what leads, as copy suppression does.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the right letter, "
        "which leads where the model does the task, loses some of its lead"
    ),
    claim=MAY_FORM,
    proof_task="options",
    proof_at="end",
)
def amplification(measure: Measure) -> Scores:
    """Correlation of what leads with what the head adds."""
    return amplifying(measure)


@kind(
    name="correct",
    title="Correct head",
    stage=PREPARATION,
    category=AMPLIFICATION,
    aliases=("correct symbol",),
    definition=(
        "In a multiple-choice question it raises the letter of the right option above the others, "
        "whichever letter that is."
    ),
    formula=(
        r"\min_c \frac{1}{\Delta\, |X_c|} \sum_{x \in X_c} \left( D_h(c) - "
        r"\frac{1}{K-1} \sum_{k \ne c} D_h(k) \right)"
    ),
    words=(
        "what the head adds directly, at the last token, to the right letter's logit above the "
        "other letters: the mean over prompts on which c is right, for the letter with the least, "
        "as a share of the model's own lead of the right letter"
    ),
    data='the task "options": four letters in permuted places, each right equally often',
    null="the right letters permuted over the prompts; the least over letters taken again",
    threshold=0.05,
    threshold_origin="proposed",
    threshold_note="the paper shows pictures and gives no cut; a twentieth of the letter's lead",
    unit="share of the right letter's lead, signed",
    evidence="direct attribution",
    source="Wiegreffe et al. 2024, arXiv 2407.15018 (heads in the vocabulary; the score is ours)",
    traps=(
        "A head that always raises A seems correct where A is right: hence the least over letters.",
        "With a space and without, a letter is two tokens: the one that is answered counts.",
        "The paper's models have 7 billion weights and more; a small one may guess.",
        "Correct letter heads look at the right letter; this one may look anywhere.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the right letter "
        "loses its lead"
    ),
    claim=MAY_FORM,
    proof_task="options",
    proof_at="end",
)
def correct(measure: Measure) -> Scores:
    """Lead that the head gives to the right letter, whichever it is."""
    return letters.correct(measure)


@kind(
    name="coherence",
    title="Coherence head",
    stage=PREPARATION,
    category=ALIGNMENT,
    definition="Keeps the answer in the language that is asked for.",
    formula=(
        r"\frac{1}{|X|} \sum_x \left( P(T \mid x,\; z_h + \alpha \sigma \hat{\theta}) - "
        r"P(T \mid x) \right)"
    ),
    words=(
        "how much more probability falls on words of a language (T), on prompts that ask for the "
        "other one, if the head's output z at the last token is moved towards it along the "
        "direction that a probe for the language found on other prompts, by three of the standard "
        "deviations along it; the mean of either way"
    ),
    data=(
        'the task "bilingual pairs", and the same prompts with all words, and the names of the two '
        "languages, exchanged: those on which the model keeps to the language, asked either way"
    ),
    null="random directions of the same length; prompts drawn again",
    threshold=0.1,
    threshold_origin="proposed",
    threshold_note="the paper gives none for a head; a tenth of all probability",
    unit="probability, -1 to 1",
    evidence="causal",
    source="Guo et al. 2024 (SIGIR), doi 10.1145/3626772.3657819 (the score is ours)",
    traps=(
        "A probe reads the language in most heads: its accuracy says little, steering says more.",
        "No heads of the paper are published: there is nothing to compare with.",
        "Steered far enough, any head changes the language, and breaks the answer with it.",
    ),
    proof=(
        "resample its output at the last token from prompts that ask for the other language, "
        "everything after recomputed: the answer loses its lead over its translation, beyond what "
        "the thing itself loses to other things; asked for either language"
    ),
    claim=EXPLORATORY,
    proof_task="bilingual pairs",
    proof_at="end",
    work=languages.work,
)
def coherence(measure: Measure) -> Scores:
    """Effect of steering towards the language asked for."""
    return coherent(measure)


@kind(
    name="faithfulness",
    title="Faithfulness head",
    stage=PREPARATION,
    category=ALIGNMENT,
    definition="Its output tells whether the answer follows from the steps written before it.",
    formula=(
        r"\frac{1}{2} \sum_{y \in \{0, 1\}} \frac{1}{|X_y|} \sum_{x \in X_y} "
        r"\left[ \hat{y}(z_x) = y \right]"
    ),
    words=(
        "how often a logistic probe on the head's output z at the last token says rightly whether "
        "the answer changes when a step is falsified: the mean over chains where it does "
        "and where it does not, on chains that the probe was not fitted on"
    ),
    data=(
        'the task "parity", its states as steps, each falsified in turn; "succession in sentences" '
        "beside it; at least 200 chains, and of those of one length, last token and answer as many "
        "that change as not"
    ),
    null=(
        "the labels permuted among chains of one length, last token and answer before the probe is "
        "fitted, the best of all heads in each draw"
    ),
    threshold=0.7,
    threshold_origin="proposed",
    threshold_note=(
        "the paper ranks heads; 0.69 is what a probe reaches where the two kinds of chain lie one "
        "standard deviation apart; besides, 0.1 more than the rows' words alone tell"
    ),
    unit="balanced accuracy, 0 to 1; chance is 0.5",
    evidence="probe",
    source="Tanneru et al. 2024, arXiv 2406.10625",
    traps=(
        (
            "The paper found hardly any effect, and other heads on other data: the rank "
            "correlation between tasks stands beside."
        ),
        "If nearly all chains are of one kind, a probe that says always that is often right.",
        "A probe reads the task's difficulty, or the length of the chain, as well.",
    ),
    proof=(
        "on held-out templates, move its output at the last token along the shift towards faithful "
        "chains, both ways: a falsified step takes more of the answer's lead, and more than with "
        "directions of the same length at "
        "random and with labels permuted"
    ),
    claim=MAY_FORM,
    work=chains.work,
)
def faithfulness(measure: Measure) -> Scores:
    """Held-out accuracy of a probe for chains that decide the answer."""
    return faithful(measure)
