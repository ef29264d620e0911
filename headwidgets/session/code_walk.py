"""A walk as plain code: where each step's head looks, and what it costs to break the step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwidgets.heads import Head
from headwidgets.methods.edits import Edit
from headwidgets.session.as_python import MEAN, RUN, boot_lines, set_lines
from headwidgets.session.as_python_edits import edit_lines, mean_lines
from headwidgets.session.as_python_metric import metric_lines
from headwidgets.session.as_python_words import literal
from headwidgets.session.code_frame import tidy
from headwidgets.session.code_parts import ERROR
from headwidgets.taxonomy.walk_prompts import with_roles
from headwidgets.taxonomy.walk_steps import held_against

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.prompts import Prompts
    from headwidgets.taxonomy.walk_plans import Plan, Step

_LOOKS = '''

def row(i, layer, head, query):
    """What a query of prompt i looks at, [key]: after the softmax, and before it."""
    stem = f"blocks.{{layer}}.attn"
    pattern, scores = (
        activation(clean[i], f"{{stem}}.{{name}}")[head, query].double().cpu()
        for name in ("hook_pattern", "hook_attn_scores")
    )
    if torch.allclose(pattern, scores):  # some models show no other: equal but for a constant
        scores = pattern.log(){cap}
    return pattern, scores


def looking(layer, head, places, own, against):
    """Where a step's head looks on the prompt shown and, on average, over all."""
    seen = [
        float(row(i, layer, head, place[0])[0][place[1]])
        for i, place in enumerate(places)
        if place is not None
    ]
    found = {{"attention_mean": mean(seen) if seen else 0.0}}
    if own is None:
        return found
    query, key = own
    found |= {{"query_at": query, "key_at": key}}
    if against is None:  # its score cannot be split
        return found
    pattern, scores = row(here, layer, head, query)
    most = int(pattern.argmax())
    found |= {{"attention": float(pattern[key])}}
    found |= {{"looks_at": most, "looks_attention": float(pattern[most])}}
    others = float(scores[against].mean()) if against else 0.0
    return {{**found, "qk": float(scores[key]) - others}}'''

_COST = '''

def cost(after):
    """What edits take of the answer's lead, in logits."""
    lost, whole = [a - b for a, b in zip(before, after)], mean(before)
    found = {"before": whole, "after": mean(after), "cost": mean(lost), "se": error(lost)}
    found["share"] = found["cost"] / whole if whole > 0 else float("nan")
    return {**found, "n": len(lost), "before_here": before[here], "after_here": after[here]}'''


def walk_as_python(
    engine: Engine,
    opened: Mapping[str, Any] | None,
    plan: Plan,
    walked: tuple[Snapshot, Prompts, pd.DataFrame],
    together: Sequence[Edit] | None = None,
) -> str:
    """Write a walk as Python.

    Parameters
    ----------
    engine : Engine
    opened : mapping, optional
        See `as_python.as_python`.
    plan : Plan
    walked : Snapshot, Prompts, DataFrame
        The question, its prompts as they were given, and what was found.
    together : sequence of Edit, optional
        What is broken at once besides.

    Returns
    -------
    str
        Code that leaves ``result``, one row a step that has a head, and ``broken`` where something
        is broken at once.
    """
    question, prompts, frame = walked
    base = _with(with_roles(plan, question))
    edits = {
        step: [Edit.from_json(one) for one in given] for step, given in frame.attrs["edits"].items()
    }
    sources = {edit.source for some in (*edits.values(), together or ()) for edit in some}
    cap = _cap(engine)
    softcap = f"\n    scores = {cap} * torch.atanh(scores / {cap})" if cap else ""
    lines = [
        *("import pandas as pd", *boot_lines(engine, opened), "bridge.eval()", "", RUN + MEAN),
        *("", "", *set_lines(engine, base, prompts, [])),
        *mean_lines(engine, base, lambda _: [], {*sources, "patch"}),
        *("", *metric_lines(engine, base), ERROR, _LOOKS.format(cap=softcap), _COST, ""),
        f"here = {base.index}  # the prompt that is shown",
        "before = [measure(i, run(ids)) for i, ids in enumerate(clean)]",
        "result = []",
    ]
    steps = {step.name: step for step in plan.steps}
    known: set[str] = set()
    for name, given in edits.items():
        head = Head.parse(frame.set_index("step").loc[name, "head"])
        lines += _breaks(engine, _with(base, given), known)
        lines += ["", *_step(steps[name], head, base, split=name in frame.attrs["sides"])]
    lines += ["", "result = pd.DataFrame(result)", "print(result)"]
    if together is not None:
        lines += [*_breaks(engine, _with(base, together), known), "", "broken = cost(after)"]
        lines.append("print(broken)")
    return tidy(lines)


def _with(snapshot: Snapshot, edits: Sequence[Edit] = ()) -> Snapshot:
    return replace(snapshot, metric=None, reference=None, edits=tuple(edits))


def _breaks(engine: Engine, snapshot: Snapshot, known: set[str]) -> list[str]:
    """Write ``after``, the lead on every prompt under edits; what several share, once."""
    written = [line for line in edit_lines(engine, snapshot) if line not in known]
    known.update(line for line in written if line.startswith("\n\ndef "))
    return [*written, "", "after = [measure(i, run(ids, hooks(i))) for i, ids in enumerate(clean)]"]


def _step(step: Step, head: Head, snapshot: Snapshot, *, split: bool) -> list[str]:
    """Write the row of one step."""
    places = [_place(step, pair.roles) for pair in snapshot.pairs]
    own = places[snapshot.index]
    own = own if own is not None and own[1] <= own[0] else None
    against = held_against(step, snapshot.pair.roles) if own and split else None
    words = {"step": step.name, "head": str(head)}
    same = all(one == places[0] for one in places)
    listed = f"[{places[0]}] * {len(places)}" if same else str(places)
    return [
        f"places = {listed}  # query and key",
        f"looks = looking({head.layer}, {head.head}, places, {own}, {against})",
        f"result.append({{**{literal(words)}, **looks, **cost(after)}})",
    ]


def _place(step: Step, roles: Mapping[str, int]) -> tuple[int, int] | None:
    return (
        (roles[step.query], roles[step.key]) if step.query in roles and step.key in roles else None
    )


def _cap(engine: Engine) -> float | None:
    inner = getattr(engine.view.blocks[0].attn, "original_component", None)
    found: float | None = getattr(inner, "attn_logit_softcapping", None)
    return found
