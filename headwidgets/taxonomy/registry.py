"""The list of head kinds: one decorated function each, found by name.

To add a kind, write one function in the module of its stage::

    @kind(name="previous token", stage=IDENTIFICATION, evidence="attention", ...)
    def previous_token(measure: Measure) -> Scores:
        return measure.attention(targets.previous)

It then stands in `kinds`, in `find` and in every score table; nothing else is edited.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.measure import Measure, Scores

RECALLING = "knowledge recalling"
IDENTIFICATION = "in-context identification"
REASONING = "latent reasoning"
PREPARATION = "expression preparation"
STAGES = (RECALLING, IDENTIFICATION, REASONING, PREPARATION)
ATTENTION, CAUSAL = "attention", "causal"
EVIDENCE = (ATTENTION, "weights", "direct attribution", CAUSAL, "probe")
ORIGINS = ("paper", "proposed")
CLAIMABLE, MAY_FORM, EXPLORATORY = "claimable", "may form", "exploratory"
CLAIMS = (CLAIMABLE, MAY_FORM, EXPLORATORY)
FOIL, OTHER_ANSWERS = "foil", "other answers"
AGAINST = (FOIL, OTHER_ANSWERS)
_STAGE_MODULES = (
    "recalling",
    "identification.overall",
    "identification.recurring",
    "identification.syntactic",
    "identification.naming",
    "identification.semantic",
    "reasoning.learning",
    "reasoning.effective",
    "reasoning.specific",
    "preparation",
)

Function = Callable[["Measure"], "Scores"]


class Work(NamedTuple):
    """What a score takes that runs the model anew for every head or step of a task that it does.

    Attributes
    ----------
    task : str
        Whose prompts are run.
    prompts : int
    forwards, replays, reads : float
        Of each prompt: whole forwards, forwards' worth of blocks that are run again by themselves,
        and readings of the whole vocabulary.
    """

    task: str
    prompts: int
    forwards: float
    replays: float = 0.0
    reads: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of attention head: what it is, how it is scored, what would prove it.

    Attributes
    ----------
    name : str
        Short name, as one would say it: ``"induction"``.
    title : str
        Heading of its card: ``"Induction head"``.
    stage : str
        One of `STAGES` (Zheng et al. 2024, arXiv 2409.03752, figure 7).
    category : str
        Where the survey's figure 7 puts it within the stage: ``"overall structure"``.
    aliases : tuple of str
        Other names in the literature that mean exactly this.
    definition : str
        What such a head does, in one sentence.
    formula : str
        The score, in LaTeX without dollar signs. A[i, j] is the attention of query i on
        key j, e the last position.
    words : str
        The formula in plain words.
    data : str
        The task or the rows that it is measured on.
    unit : str
        What the score counts, and its range.
    null : str
        What the score has to beat.
    threshold : float
        Absolute, in `unit`; a higher score is always more of the kind.
    threshold_origin : str
        ``"paper"`` or ``"proposed"``: whose it is.
    threshold_note : str
        Where the threshold comes from.
    evidence : str
        One of `EVIDENCE`.
    source : str
        Authors, year, arXiv number.
    proof : str
        The intervention that would prove it.
    proof_task : str
        The task on whose held-out templates `confirm` proves a head; "" of a kind whose own proof
        (see `proofs`) chooses among several.
    proof_at : str
        Where it is resampled: "end", a role of the task, or "", everywhere.
    proof_against : str
        One of `AGAINST`: the logit difference is that of the answer above the task's own foil, or
        above the mean of answers of other prompts that are no option of this one.
    proof_sign : int
        1: without the head this logit difference falls; -1: it rises.
    traps : tuple of str
        How the score misleads.
    claim : str
        One of `CLAIMS`: "claimable", as far as the verdict goes; "may form", a kind that not
        every model has; "exploratory", never more than a candidate, since no calibrated null
        is known.
    shares : str
        The measurement that it shares with other kinds, which then count once; default: its
        own name.
    work : callable, optional
        `Facts` -> `Work`, of a kind whose score runs the model anew for every head or step.
    function : callable
        `Measure` -> `Scores`.
    """

    name: str
    title: str
    stage: str
    category: str
    definition: str
    formula: str
    words: str
    data: str
    unit: str
    null: str
    threshold: float
    threshold_origin: str
    threshold_note: str
    evidence: str
    source: str
    proof: str
    traps: tuple[str, ...]
    claim: str
    function: Function
    aliases: tuple[str, ...] = ()
    shares: str = ""
    proof_task: str = ""
    proof_at: str = ""
    proof_against: str = "foil"
    proof_sign: int = 1
    work: Callable[[Facts], Work] | None = None

    def card(self) -> dict[str, Any]:
        """Everything but the functions, as plain values."""
        functions = ("function", "work")
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in functions}

    @property
    def measurement(self) -> str:
        """What it is measured by: kinds of one measurement count once."""
        return self.shares or self.name


_REGISTRY: dict[str, Kind] = {}


def kind(**card: Any) -> Callable[[Function], Function]:
    """Register the decorated function as a kind; the keywords are those of `Kind`.

    Raises
    ------
    InputError
        If the card is incomplete, or the name or an alias is taken.
    """

    def register(function: Function) -> Function:
        try:
            made = Kind(function=function, **card)
        except TypeError as error:
            message = f"the card of the kind {card.get('name')!r} does not fit Kind: {error}"
            raise InputError(message) from error
        _check(made)
        _REGISTRY[made.name] = made
        return function

    return register


def _check(made: Kind) -> None:
    for value, allowed, what in (
        (made.stage, STAGES, "stage"),
        (made.evidence, EVIDENCE, "evidence"),
        (made.threshold_origin, ORIGINS, "threshold_origin"),
        (made.claim, CLAIMS, "claim"),
        (made.proof_against, AGAINST, "proof_against"),
    ):
        if value not in allowed:
            message = f"{made.name}: expected {what} to be one of {allowed}, got {value!r}"
            raise InputError(message)
    taken = _names()
    for name in (made.name, *made.aliases):
        if taken.get(_plain(name), made.name) != made.name:
            message = f"{name!r} already names the kind {taken[_plain(name)]!r}: choose another"
            raise InputError(message)


def all_kinds() -> list[Kind]:
    """Every kind, stage by stage."""
    for module in _STAGE_MODULES:
        import_module(f"headwidgets.taxonomy.{module}")
    return sorted(_REGISTRY.values(), key=lambda one: STAGES.index(one.stage))


def kinds() -> pd.DataFrame:
    """List the head kinds.

    Returns
    -------
    pandas.DataFrame
        One row a kind: its whole card (see `headwidgets.taxonomy.Kind`).
    """
    return pd.DataFrame([one.card() for one in all_kinds()])


def find(name: object) -> Kind:
    """Find a kind by its name, title or alias; case and the word "head" do not matter.

    Parameters
    ----------
    name : str or Kind

    Raises
    ------
    InputError
        If there is none; the message gives the nearest names.
    """
    if isinstance(name, Kind):
        return name
    known = {one.name: one for one in all_kinds()}
    names = _names()
    if not isinstance(name, str):
        message = f"expected the name of a kind such as 'induction', got {name!r:.80}"
        raise InputError(message)
    found = names.get(_plain(name))
    if found is not None:
        return known[found]
    close = difflib.get_close_matches(_plain(name[:80]), names, 3, 0.5)
    near = dict.fromkeys(names[n] for n in close)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {list(known)}"
    message = (
        f"no kind is called {name!r:.80}: {hint} (headwidgets.kinds() lists them with their cards)"
    )
    raise InputError(message)


def find_several(names: object) -> list[Kind]:
    """Find kinds by their names, or one by its name; see `find`. Each comes once.

    Raises
    ------
    InputError
        If there are none, or one is unknown.
    """
    listed = [names] if isinstance(names, str) or not hasattr(names, "__iter__") else list(names)
    if not listed:
        message = "expected names of kinds such as ['induction', 'name mover'], got none"
        raise InputError(message)
    return list(dict.fromkeys(find(one) for one in listed))


def _names() -> dict[str, str]:
    """Every accepted spelling -> name."""
    return {
        _plain(spelling): one.name
        for one in _REGISTRY.values()
        for spelling in (one.name, one.title, *one.aliases)
    }


def _plain(name: str) -> str:
    words = re.sub(r"[\W_]+", " ", name.lower()).split()
    return " ".join(word for word in words if word not in ("head", "heads"))
