"""A walk: a task step by step on one prompt, with the heads that take each step.

Each step has its heads (by the score of their kind), the attention that carries it on the prompt,
the score of that attention split by who wrote the query and who the key, and what it costs to
break it, over the whole prompt set and here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.summary import measured_on
from headwidgets.model.work import checkpoint, keeping
from headwidgets.taxonomy.carriers import Carriers, by_path
from headwidgets.taxonomy.walk_breaks import cost, leads, receivers_of
from headwidgets.taxonomy.walk_plans import Plan, find_plan
from headwidgets.taxonomy.walk_prompts import able, with_roles
from headwidgets.taxonomy.walk_steps import looks_of, shown, take

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwidgets.methods.edits import Edit
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.prompts import Prompts

COLUMNS = (
    *("step", "kind", "stage", "place", "here", "differs", "head", "heads", "score", "verdict"),
    *("query", "query_at", "query_token", "key", "key_at", "key_token", "attention"),
    "attention_mean",
    *("looks_at", "looks_token", "looks_attention", "qk", "against"),
    *("breaks", "before", "after", "cost", "se", "share", "n", "before_here", "after_here"),
    "reason",
)


def walk(
    engine: Engine,
    name: str,
    prompts: Prompts,
    snapshot: Snapshot,
    found: Mapping[str, Carriers],
) -> pd.DataFrame:
    """Take a walk.

    Parameters
    ----------
    engine : Engine
    name : {"ioi", "multiple choice", "parity"}
    prompts : Prompts
        With answers and the roles that the walk needs.
    snapshot : Snapshot
        The same as tokens; its index is the prompt that is shown.
    found : mapping of str to Carriers
        The heads of each kind that the walk asks for.

    Returns
    -------
    DataFrame
        One row a step, in the survey's order: step, kind, stage (as the survey's text has it),
        place (its number there), here (its number by the layer of its head; NaN without one),
        differs (which steps come first here and not there, or the other way round); heads
        (three at most, the best first), head (the first of them that looks at the key over the
        prompt set, with 0.3 or more on average; else the best), its score and
        verdict; query and key (roles), query_at, key_at (positions), query_token, key_token,
        attention (after the softmax, on this prompt), attention_mean (over the set); looks_at,
        looks_token and looks_attention, where it looks most; qk (the score before the softmax,
        less that of the keys in against); breaks (in words), before and after (mean lead of the
        answer over the foil, in logits), cost = before − after, se, share of before, n; before_here
        and after_here, on this prompt; reason, where something is lacking. ``attrs["sides"]``
        has of each step who wrote the query and the key (see `sides`), ``attrs["edits"]`` what
        breaks it, ``attrs["looks"]`` the attention on every token, ``attrs["notes"]``.

    Raises
    ------
    InputError
        For another walk, prompts without answers, and a prompt that lacks roles, with their names.
    NotMeasurable
        If the model is at chance on these prompts.
    Cancelled
        If it was cancelled; ``partial`` on the error has the steps that are done.

    References
    ----------
    Zheng et al. 2024, arXiv 2409.03752, section 3.6 and Figure 9.
    """
    plan = find_plan(name)
    snapshot = with_roles(plan, replace(snapshot, edits=(), metric=None))
    clean = leads(engine, snapshot)
    notes = able(engine, plan, prompts, snapshot, float(clean[snapshot.index]))
    known = _complete(engine, plan, snapshot, found)
    looks = looks_of(engine, snapshot, plan)
    layers = {name: shown(own, looks[name]).head.layer for name, own in known.items() if own.heads}
    order = places_here(plan, layers)
    rows: list[dict[str, Any]] = []
    about: dict[str, Any] = {"sides": {}, "edits": {}, "looks": {}}

    def table() -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=list(COLUMNS))
        frame["here"] = frame["here"].astype("Int64")
        frame.attrs |= _about(engine, plan, prompts, snapshot) | about | {"notes": notes}
        if len(rows) < len(plan.steps):
            frame.attrs["incomplete"] = f"stopped: {len(rows)} of {len(plan.steps)} steps done"
        return frame

    with keeping(table):
        for done, step in enumerate(plan.steps):
            checkpoint(done, len(plan.steps), f"walking: {step.name}")
            rows.append(take(engine, snapshot, step, known, clean, looks[step.name], about))
            rows[-1] |= {"place": done + 1, **order[step.name]}
    return table()


def sides(frame: pd.DataFrame, step: str) -> pd.DataFrame:
    """Return who wrote the query and the key of a step of a walk.

    Parameters
    ----------
    frame : DataFrame
        As `walk` returns it.
    step : str
        Its name.

    Returns
    -------
    DataFrame
        side, part, value: the rows of either side sum to the step's qk.

    Raises
    ------
    InputError
        If the frame is no walk, or has no such step or no head for it.
    """
    known = frame.attrs.get("sides")
    if known is None or step not in set(frame["step"]):
        names = ", ".join(frame["step"]) if known is not None else "none"
        message = f"expected a step of a walk ({names}), got {step!r:.80}"
        raise InputError(message)
    if step not in known:
        row = frame.set_index("step").loc[step]
        message = f"step {step!r} has no score to split: {row['reason']}"
        raise InputError(message)
    return pd.DataFrame(known[step], columns=["side", "part", "value"])


def broken(
    engine: Engine, snapshot: Snapshot, plan: Plan, edits: Sequence[Edit]
) -> dict[str, float]:
    """Return the answer's lead without edits and with them.

    Returns
    -------
    dict
        before, after, cost, se, share, n; before_here and after_here on the prompt shown.
    """
    snapshot = with_roles(plan, replace(snapshot, edits=(), metric=None))
    return cost(leads(engine, snapshot), leads(engine, snapshot, edits), snapshot.index)


def places_here(plan: Plan, layers: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return of each step its number by the layer of its head, and how that differs.

    Parameters
    ----------
    plan : Plan
    layers : mapping of str to int
        Of each step with a head, its layer.

    Heads of one layer cannot hand over to one another: they differ in nothing.
    """
    names = [step.name for step in plan.steps if step.name in layers]
    order = sorted(names, key=lambda name: layers[name])  # stable: ties as in the survey
    out: dict[str, dict[str, Any]] = {}
    for step in plan.steps:
        if step.name not in layers:
            out[step.name] = {"here": None, "differs": ""}
            continue
        at, own = names.index(step.name), layers[step.name]
        behind = [one for one in names[at + 1 :] if layers[one] < own]
        before = [one for one in names[:at] if layers[one] > own]
        said = [f"after {', '.join(behind)}"] if behind else []
        said += [f"before {', '.join(before)}"] if before else []
        out[step.name] = {"here": order.index(step.name) + 1, "differs": "; ".join(said)}
    return out


def _complete(
    engine: Engine, plan: Plan, snapshot: Snapshot, found: Mapping[str, Carriers]
) -> dict[str, Carriers]:
    """Return the heads of every step, by its name."""
    lacking = Carriers(reason="no head was found: its kind has not been scored")
    known = {step.name: found.get(step.kind, lacking) for step in plan.steps if not step.by_path}
    for step in plan.steps:
        if step.by_path:
            known[step.name] = by_path(engine, snapshot, receivers_of(step, known))
    return known


def _about(engine: Engine, plan: Plan, prompts: Prompts, snapshot: Snapshot) -> dict[str, Any]:
    answers = snapshot.answers or ()
    shown = answers[snapshot.index]
    name = prompts.name or ""
    on = f"{name}, n = {len(snapshot.pairs)}" if name else measured_on(snapshot)
    return {
        "walk": plan.name,
        "title": plan.title,
        "source": plan.source,
        "says": {step.name: step.says for step in plan.steps},
        "asks": {step.name: [step.asks, step.answers] for step in plan.steps if step.asks},
        "tokens": engine.text.shown(list(snapshot.pair.clean)),
        "answer": str(shown.answer),
        "foil": str(shown.foil),
        "index": snapshot.index,
        "measured_on": on,
        "unit": "logits",
    }
