"""Stage 2, in-context identification, syntax: names and letters that are moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy import backups
from headwidgets.taxonomy.backups import backing_up
from headwidgets.taxonomy.identification.syntactic import SYNTACTIC
from headwidgets.taxonomy.names import letter_moving, name_moving
from headwidgets.taxonomy.registry import IDENTIFICATION, MAY_FORM, kind

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure, Scores

_IOI = "Wang et al. 2022 (IOI), arXiv 2211.00593"
_NAME_SHARE = (
    r"\frac{\sum_x \left( D_h(o_x;\, N_x) - D_h(s_x;\, N_x) \right)}"
    r"{\sum_x \left( \ell(o_x) - \ell(s_x) \right)}"
)


@kind(
    name="name mover",
    title="Name mover head",
    stage=IDENTIFICATION,
    category=SYNTACTIC,
    definition="At the last token it looks at the name that is asked for, and writes that name.",
    formula=_NAME_SHARE,
    words=(
        "what the head adds directly to the logit of the indirect object o less that of the "
        "subject s by looking at these names (N) from the last token, over the model's difference "
        "of these logits, over all prompts"
    ),
    data='the task "ioi"; the names where they first stand, and the subject where it comes again',
    null="the two names exchanged, in prompts drawn at random",
    threshold=0.1,
    threshold_origin="proposed",
    threshold_note=(
        "a tenth of the difference, as confirming asks; besides, 0.3 of the attention on o, and "
        "names among the five tokens that its OV circuit writes most in 3 cases of 4"
    ),
    unit="share of the logit difference, signed",
    evidence="direct attribution",
    source=_IOI,
    traps=(
        "Attention on the name alone makes none: negative name movers look there as well.",
        "Backup name movers may already write a little of the name.",
        "Removing it may cost nearly nothing, since backups take over.",
        "Other corrupted prompts and other metrics find other heads.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the name loses its "
        "lead over the subject, as far as backups do not take over"
    ),
    claim=MAY_FORM,
    shares="name moving",
    proof_task="ioi",
    proof_at="end",
)
def name_mover(measure: Measure) -> Scores:
    """Direct attribution of the name that is looked at."""
    return name_moving(measure)


@kind(
    name="backup name mover",
    title="Backup name mover head",
    stage=IDENTIFICATION,
    category=SYNTACTIC,
    definition="It moves the name only when the name movers are out of action.",
    formula=r"\frac{1}{N} \sum_x \left( D_h^{-M}(o_x, s_x) - D_h(o_x, s_x) \right)",
    words=(
        "what the head adds directly to the logit difference of indirect object and subject "
        "once the model's name movers M are mean-ablated at the last token, less what it adds "
        "with them; the scale of every norm that its output passes is held fixed"
    ),
    data=(
        'the task "ioi"; M, on other prompts of it: the heads with 0.3 of their attention on the '
        "name that add a tenth of its lead, and a third of what the strongest adds"
    ),
    null=(
        "other heads of the same layers, as many where there are so many, ablated in place of M: "
        "up to twenty sets of them, prompts drawn again"
    ),
    threshold=0.1,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none; besides, with M it adds less than the least of M, and without M it "
        "gives the name 0.3 of its attention"
    ),
    unit="logits, signed",
    evidence="causal",
    source=_IOI,
    traps=(
        "The last norm rescales every head when M falls away: its scale must be held fixed.",
        "A negative name mover that suppresses less seems to help.",
        "A head in a layer below M cannot react to M at all: its change is 0.",
        "Setting M to zero rather than to the mean shows more repair than there is.",
        (
            "Its proof asks for what both cost beyond the sum of each: a head that helps as well "
            "with the name movers there is worth no more without them."
        ),
    ),
    proof=(
        "resample its output at the last token, and the name movers' as well, everything after "
        "recomputed: the name loses more of its lead than by each of the two, added"
    ),
    claim=MAY_FORM,
    proof_task="ioi",
    proof_at="end",
    work=backups.work,
)
def backup_name_mover(measure: Measure) -> Scores:
    """Gain in direct attribution when the name movers are out."""
    return backing_up(measure)


@kind(
    name="letter mover",
    title="Letter mover head",
    stage=IDENTIFICATION,
    category=SYNTACTIC,
    definition=(
        "Where an acronym is spelled, it looks at the word whose turn it is, and writes its "
        "first letter."
    ),
    formula=(
        r"\frac{\sum_x \left( C_h(w_x) - \overline{C_h(u)} \right)}"
        r"{\sum_x \left( \ell(a_x) - \overline{\ell(b)} \right)}, \qquad "
        r"C_h(w) = D_h(a_w;\, w) - \overline{D_h(b;\, w)}"
    ),
    words=(
        "what the head adds directly to the logit of a word's own letter a less the mean of the "
        "other letters b by looking at that word: of the word w whose turn it is, less the mean of "
        "the other words u, where the second letter and the third are asked for; over the model's "
        "own difference of logits at the third"
    ),
    data='the task "acronyms"',
    null="one of the three words and its letter, drawn for each prompt, in place of the right one",
    threshold=0.1,
    threshold_origin="proposed",
    threshold_note=(
        "the paper gives none; besides, 0.2 of the attention on w at both letters, and the right "
        "letter the first that its OV circuit writes for 8 of 10 words"
    ),
    unit="share of the logit difference, signed",
    evidence="direct attribution",
    source="García-Carrasco et al. 2024, arXiv 2405.04156",
    traps=(
        "Tokenizers join letters: each must be a token of its own.",
        "Name movers copy by the same OV circuit: in GPT-2 small, 9.9 is both.",
        "A head that looks at every word, whosever turn it is, must not count: hence the others.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the third word's "
        "letter loses its lead over another"
    ),
    claim=MAY_FORM,
    proof_task="acronyms",
    proof_at="end",
)
def letter_mover(measure: Measure) -> Scores:
    """Direct attribution of the letter of the word that is looked at."""
    return letter_moving(measure)


@kind(
    name="negative name mover",
    title="Negative name mover head",
    stage=IDENTIFICATION,
    category=SYNTACTIC,
    aliases=("copy suppression",),
    definition=(
        "It looks at an earlier token that the model is about to say again, and makes it less "
        "likely."
    ),
    formula="-" + _NAME_SHARE,
    words="the score of the name mover with its sign turned: what it takes from the name",
    data='the task "ioi"',
    null="the two names exchanged, in prompts drawn at random",
    threshold=0.1,
    threshold_origin="proposed",
    threshold_note=(
        "as for the name mover; besides, 0.3 of the attention on o, and names among the five "
        "tokens that its OV circuit lowers most in 3 cases of 4"
    ),
    unit="share of the logit difference, signed",
    evidence="direct attribution",
    source=f"{_IOI}; McDougall et al. 2023, arXiv 2310.04625",
    traps=(
        "From the embeddings alone, without the first MLP, its OV circuit may seem to copy.",
        "When name movers are removed it suppresses less, which looks like a backup.",
        "It lowers what is predicted, right or wrong: so the logit of o alone says another number.",
    ),
    proof=(
        "resample its output at the last token, everything after recomputed: the name gains on "
        "the subject"
    ),
    claim=MAY_FORM,
    shares="name moving",
    proof_task="ioi",
    proof_at="end",
    proof_sign=-1,
)
def negative_name_mover(measure: Measure) -> Scores:
    """Direct attribution against the name that is looked at."""
    return name_moving(measure, -1)
