"""Stage 3, latent reasoning, task by task: options, chains, successors, inhibition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import inhibition, letters
from headwidgets.taxonomy.chain import iterating
from headwidgets.taxonomy.from_weights import succession
from headwidgets.taxonomy.inhibition import inhibiting
from headwidgets.taxonomy.registry import MAY_FORM, REASONING, kind

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

SPECIFIC = "task-specific reasoning"


@kind(
    name="correct letter",
    title="Correct letter head",
    stage=REASONING,
    category=SPECIFIC,
    definition=(
        "In a multiple-choice question the last token looks at the letter of the right option, "
        "whichever it is, and the head brings that letter."
    ),
    formula=(
        r"\frac{1}{|X|} \sum_x \left( A[e,\, p_c] - "
        r"\frac{1}{K-1} \sum_{k \ne c} A[e,\, p_k] \right)"
    ),
    words=(
        "the last token's attention on the letter of the right option c, less its mean on the "
        "other letters"
    ),
    data='the task "options": four letters in permuted places, each right equally often',
    null="another option, drawn in each prompt, taken for the right one",
    threshold=0.2,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none; a head with half of its attention on BOS reaches it if 0.55 of "
        "the rest is on the right one of four letters; besides, above 0 for each letter alone, and "
        "the head must bring 2 % of the right letter's lead, whichever it is"
    ),
    unit="attention, -1/3 to 1 with four options",
    evidence="attention",
    source="Lieberum et al. 2023, arXiv 2307.09458 (attention and attribution; the score is ours)",
    traps=(
        (
            "A single letter head scores where its letter is right: the score must hold for each "
            "letter alone."
        ),
        "Attention is half of it: the head must also raise the right letter above the others.",
        "Right options that stand oftener in one place make it a positional score.",
        "A model that guesses has no such head: its accuracy stands beside the score.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the right letter "
        "loses its lead"
    ),
    claim=MAY_FORM,
    proof_task="options",
    proof_at="end",
)
def correct_letter(measure: Measure) -> Scores:
    """Attention on the right letter against the others."""
    return letters.correct_letter(measure)


@kind(
    name="iteration",
    title="Iteration head",
    stage=REASONING,
    category=SPECIFIC,
    definition=(
        "Where a result is written step by step, each step looks at the input that the next step "
        "needs."
    ),
    formula=r"\frac{1}{N} \sum_x A[s_t,\, x_{t+1}]",
    words=(
        "the mean attention that the last written state s, after t inputs, gives to the input x "
        "that comes next, over N prompts that stop after different t"
    ),
    data='the task "parity": rows of 3 to 8 bits and their states, lengths mixed',
    null="the target moved to other inputs of the same row",
    threshold=0.5,
    threshold_origin="proposed",
    threshold_note="the paper counts attention above one half as on its target; here the mean is",
    unit="attention, 0 to 1",
    evidence="attention",
    source="Cabannes et al. 2024, arXiv 2406.02128",
    traps=(
        (
            "With rows of one length the next input is always equally far back: a positional head "
            "then scores 1."
        ),
        "Where states copy inputs, induction heads look there too: parity tells them apart.",
        "The paper's models have two layers of one head; no such head is known in a large model.",
        "A model that writes no steps has no states to look from.",
    ),
    proof=(
        "resample its output at the last token, which is the last state, everything after "
        "recomputed: the next state loses its lead over the other"
    ),
    claim=MAY_FORM,
    proof_task="parity",
    proof_at="end",
)
def iteration(measure: Measure) -> Scores:
    """Attention on the input that the next step needs."""
    return iterating(measure)


@kind(
    name="successor",
    title="Successor head",
    stage=REASONING,
    category=SPECIFIC,
    definition=(
        "Where it looks at a member of a natural order (numbers, days, months, letters), it makes "
        "the next member more likely."
    ),
    formula=(
        r"\frac{1}{|P|} \sum_{(t,\, s) \in P} \left[ \operatorname{argmax}_{u \in C(t)} "
        r"\left( \operatorname{MLP}_0(t)\, W_V W_O W_U \right)_u = s \right]"
    ),
    words=(
        "the share of pairs of a member t and the next one s for which the head's weights, given "
        "what the first MLP makes of t, through the norm of the head's layer, raise s more than "
        "any other member of t's set C(t)"
    ),
    data="weights only; eight sets: numbers, number words, ordinals, days, months, letters, ...",
    null="which member is next, permuted within each set",
    threshold=0.4,
    threshold_origin="paper",
    threshold_note="that of a replication; the paper's best heads pass on more than half",
    unit="share of pairs, 0 to 1",
    evidence="weights",
    source="Gould et al. 2023, arXiv 2312.09230",
    traps=(
        "Most pairs are numbers: the share in each set stands beside the score.",
        "The largest is sought in the member's own set: the whole vocabulary is not asked.",
        "Members of several tokens are left out: some tokenizers spell no number above 9.",
        "Without the first MLP, or without its norm, the weights read another input.",
        "The paper's formula has no norms; the succession lab shows the score with and without.",
        "It says what the head would write, not that it ever looks there.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the next member "
        "loses its lead over another"
    ),
    claim=MAY_FORM,
    proof_task="succession",
    proof_at="end",
)
def successor(measure: Measure) -> Scores:
    """Share of pairs that the weights put in order."""
    return succession(measure)


@kind(
    name="s-inhibition",
    title="S-inhibition head",
    stage=REASONING,
    category=SPECIFIC,
    aliases=("inhibition",),
    definition=(
        "At the end of the prompt it looks at the name that came twice, and turns the name movers' "
        "queries away from that name."
    ),
    formula=(
        r"\frac{\sum_x \left( \Delta(x \mid h' \to q_{\mathrm{NM}}) - "
        r"\Delta(x \mid \tilde{h} \to q_{\mathrm{NM}}) \right)}{\sum_x \Delta(x)}"
    ),
    words=(
        "how far the logit difference between the two names falls if the head's output reaches the "
        "name movers' queries, at the last token, from the prompt with a third name in the place "
        "of the repeated one, all other paths held, as a share of that difference; less what the "
        "same patch takes (h') from the prompt that asks for another name and repeats the same one"
    ),
    data=(
        'the task "ioi", both orders of the names; name movers, on other prompts of it: the heads '
        "with 0.3 of their attention on the name that add a tenth of its lead, and a third of what "
        "the strongest adds"
    ),
    null="prompts drawn again, each head's own mean taken off: what chance makes of their spread",
    threshold=0.05,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives no cut; besides, the last token must give the second mention at least "
        "0.3 of its attention"
    ),
    unit="share of the logit difference, signed",
    evidence="causal",
    source="Wang et al. 2022 (IOI), arXiv 2211.00593 (path patching)",
    traps=(
        "Attention to the repeated name is not enough: without the path to the queries it is none.",
        "In one order of the names, place and name say the same: both orders must be mixed.",
        "Without name movers there are no queries to patch.",
        "Outputs set to 0 are noisy here: take them from other prompts of the same template.",
        "The paper exchanges all three names; here two stay, so that only who is repeated differs.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the name loses its "
        "lead over the repeated one"
    ),
    claim=MAY_FORM,
    proof_task="ioi",
    proof_at="end",
    work=inhibition.work,
)
def s_inhibition(measure: Measure) -> Scores:
    """Effect on the logit difference through the name movers' queries."""
    return inhibiting(measure)
