"""Three tasks as steps that heads take one after the other, in the order of the survey.

Zheng et al. 2024, arXiv 2409.03752, section 3.6 of its first version ("How do attention heads work
together?", 4.6 of the last) and Figure 9. Where a step stands in the survey is its number here;
its stage is that of the survey's text, which for subject and relation heads is another one than in
its own Figure 7. Where a head looks in a step, and what breaks it, is ours: the survey draws no
positions for most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.taxonomy.asked import END
from headwidgets.taxonomy.registry import IDENTIFICATION, PREPARATION, REASONING, RECALLING

if TYPE_CHECKING:
    from collections.abc import Mapping

TO_LOGITS = "logits"
AFTER_S1, INPUT_END = "S1+1", "EOI"
"""Places that follow from others: behind the first mention, and behind the last input."""
_SURVEY = "Zheng et al. 2024, arXiv 2409.03752, section 3.6"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a walk.

    Attributes
    ----------
    name : str
    kind : str
        Whose heads take it: a name of `hw.kinds`.
    stage : str
        Where the survey's text has it.
    says : str
        What happens in it.
    query, key : str
        Roles: who looks, and at what.
    against : tuple of str
        Roles of the other keys that the score is held against; none: every other place.
    asks, answers : str
        The query's question and the key's answer, where the survey gives them.
    hands_to : tuple of (step, "q" | "k" | "v")
        Whom it tells; none: the logits.
    breaks : {"path", "mean", "resample"}
        What breaks it: the path to those it hands to, from the corrupted prompt; or its heads'
        output at the query, its mean or that of another prompt.
    by_path : bool
        Whether its heads are those whose path to the next step's heads counts on this task; else
        those of the kind's own score.
    """

    name: str
    kind: str
    stage: str
    says: str
    query: str
    key: str
    against: tuple[str, ...] = ()
    asks: str = ""
    answers: str = ""
    hands_to: tuple[tuple[str, str], ...] = ()
    breaks: str = "path"
    by_path: bool = False


@dataclass(frozen=True)
class Plan:
    """A walk.

    Attributes
    ----------
    name, title : str
    task : str
        A name of `hw.tasks`.
    source : str
    steps : tuple of Step
        In the survey's order.
    roles : tuple of str
        What a prompt must have.
    """

    name: str
    title: str
    task: str
    source: str
    steps: tuple[Step, ...]
    roles: tuple[str, ...]


IOI = Plan(
    "ioi",
    "Who is given something",
    "ioi",
    f"{_SURVEY} and Figure 9, after Wang et al. 2022, arXiv 2211.00593",
    (
        Step(
            name="subject",
            kind="subject",
            stage=RECALLING,
            says="The last token looks at the name: the answer should be one.",
            query=END,
            key="IO",
            against=("S1", "S2"),
        ),
        Step(
            name="relation",
            kind="relation",
            stage=RECALLING,
            says="The last token looks at what is given: the answer should be a name.",
            query=END,
            key="OBJECT",
        ),
        Step(
            name="duplicate token",
            kind="duplicate token",
            stage=IDENTIFICATION,
            says="A name looks back at its own earlier mention: it came twice.",
            query="S2",
            key="S1",
            against=("IO",),
            hands_to=(("s-inhibition", "v"),),
        ),
        Step(
            name="name mover",
            kind="name mover",
            stage=IDENTIFICATION,
            says="The last token looks at a name and writes it.",
            query=END,
            key="IO",
            against=("S1", "S2"),
        ),
        Step(
            name="previous token",
            kind="previous token",
            stage=IDENTIFICATION,
            says="The token behind the first mention notes which name stands before it.",
            query=AFTER_S1,
            key="S1",
            hands_to=(("induction", "k"),),
            breaks="mean",
        ),
        Step(
            name="induction",
            kind="induction",
            stage=REASONING,
            says="The second mention looks at what followed the first.",
            query="S2",
            key=AFTER_S1,
            hands_to=(("s-inhibition", "v"),),
        ),
        Step(
            name="s-inhibition",
            kind="s-inhibition",
            stage=REASONING,
            says="The last token reads which name came twice, and tells whoever asks for a name.",
            query=END,
            key="S2",
            hands_to=(("name mover", "q"),),
        ),
        Step(
            name="amplification",
            kind="amplification",
            stage=PREPARATION,
            says="What is going to be said is raised.",
            query=END,
            key="IO",
            against=("S1", "S2"),
        ),
    ),
    ("IO", "S1", "S2", "OBJECT"),
)

_LETTERS = ("A", "B", "C", "D")
MULTIPLE_CHOICE = Plan(
    "multiple choice",
    "Which letter is right",
    "options",
    f"{_SURVEY}, after Lieberum et al. 2023, arXiv 2307.09458",
    (
        Step(
            name="gather",
            kind="content gatherer",
            stage=IDENTIFICATION,
            says="The last token gathers the words of the right option.",
            query=END,
            key="OPTION",
            against=tuple(f"OPTION_{letter}" for letter in _LETTERS),
            hands_to=(("match", "q"),),
        ),
        Step(
            name="match",
            kind="correct letter",
            stage=REASONING,
            says="The last token looks for the letter that stands with those words.",
            query=END,
            key="LABEL",
            against=_LETTERS,
            asks="are you the right label?",
            answers="I am this letter, with this text",
        ),
        Step(
            name="letter",
            kind="correct",
            stage=PREPARATION,
            says="The letter is written.",
            query=END,
            key="LABEL",
            against=_LETTERS,
        ),
    ),
    ("OPTION", "LABEL"),
)

_LONGEST = 8
PARITY = Plan(
    "parity",
    "Odd or even, step by step",
    "parity",
    f"{_SURVEY}, after Cabannes et al. 2024, arXiv 2406.02128",
    (
        Step(
            name="mover",
            kind="mover",
            stage=IDENTIFICATION,
            says="The last state learns how far it is from the end of the inputs.",
            query=END,
            key=INPUT_END,
            hands_to=(("iteration", "q"),),
            breaks="resample",
            by_path=True,
        ),
        Step(
            name="iteration",
            kind="iteration",
            stage=REASONING,
            says="The last state looks at the input whose turn it is.",
            query=END,
            key="BIT",
            against=tuple(f"X{i}" for i in range(1, _LONGEST + 1)),
            asks="are you position t?",
            answers="I am position t'",
        ),
    ),
    ("BIT", "X1", "X2"),
)

PLANS = {plan.name: plan for plan in (IOI, MULTIPLE_CHOICE, PARITY)}


def find_plan(name: object) -> Plan:
    """Return the walk of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    found = PLANS.get(name.strip().lower()) if isinstance(name, str) else None
    if found is None:
        message = f"expected a walk, one of {', '.join(map(repr, PLANS))}, got {name!r:.80}"
        raise InputError(message)
    return found


def derived(plan: Plan, roles: Mapping[str, int], length: int) -> dict[str, int]:
    """Return a prompt's roles with those that follow from them."""
    out = dict(roles) | {END: length - 1}
    if plan.name == IOI.name and "S1" in roles:
        out.setdefault(AFTER_S1, roles["S1"] + 1)
    inputs = [place for role, place in roles.items() if role[:1] == "X" and role[1:].isdigit()]
    if plan.name == PARITY.name and inputs:
        out.setdefault(INPUT_END, max(inputs) + 1)
    return out
