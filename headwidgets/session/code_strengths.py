"""A direction added at several strengths as plain code: the curve, and the cost on neutral text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwidgets.methods.vector import Direction
from headwidgets.session.as_python import prompts_text, reference_lines
from headwidgets.session.as_python_edits import VECTOR
from headwidgets.session.as_python_metric import answer_lines
from headwidgets.session.code_parts import ERROR, is_difference, place_name, where

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_ADDED = '''

def added(vector, at):
    """A hook that adds a vector at some positions."""

    def add(x, hook):
        x = x.clone()
        x[0, {picked}] = (x[0, {picked}].float() + vector.to(x.device)).to(x)
        return x

    return [("{name}", add)]


def order(i, logits):
    """Whether the answer is above the foil: 1, below: -1, or level with it: 0."""
    gap = float(logits[{right}[i]].mean() - logits[{wrong}[i]].mean())
    return (gap > 0) - (gap < 0)


def everywhere(ids, hooks=()):
    """Log-probabilities after every token of a text."""
    batch = torch.tensor([ids], device=bridge.cfg.device)
    with torch.no_grad():
        logits = bridge.run_with_hooks(batch, fwd_hooks=list(hooks))[0].float().cpu()
    return logits.log_softmax(-1)


def cost(vector):
    """Mean KL(clean ‖ edited) per token of the neutral texts, in nats."""
    total = 0.0
    for ids in neutral:
        p, q = everywhere(ids), everywhere(ids, added(vector, slice(None)))
        total += float((p.exp() * (p - q)).sum(-1).clamp(min=0).double().sum())
    return total / sum(map(len, neutral))


def curve(vector):
    """The metric of every prompt with a vector added, and whether its order flips."""
    runs = [run(ids, added(vector, at[i])) for i, ids in enumerate(clean)]
    flips = [order(i, x) != order(i, clean_logits[i]) for i, x in enumerate(runs)]
    return [measure(i, x) for i, x in enumerate(runs)], flips'''

_RESULT = """
along = torch.cat([activation(ids, "{name}")[{picked}] for {each} in enumerate(clean)])
sd = float((along.float().cpu() @ unit).double().std())  # one strength
draws = torch.randn({draws}, len(unit), generator=torch.Generator().manual_seed({seed}))
draws = draws / draws.norm(dim=-1, keepdim=True)
result = []
for strength in {strengths}:
    values, flips = curve(strength * sd * unit)
    row = {{"strength": strength, "metric": mean(values), "se": error(values)}}
    row |= {{"n": len(values), "flips": mean(flips), "kl_neutral": cost(strength * sd * unit)}}
    random = [mean(curve(strength * sd * draw)[0]) for draw in draws]
    result.append({{**row, "random_sd": error(random) * len(random) ** 0.5}})"""


def strengths_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write the curve of a direction, one run a strength, a direction and a prompt."""
    direction = Direction.from_json(asked["direction"])
    name, head = place_name(engine, direction.target)
    right, wrong = ("answer", "foil") if is_difference(snapshot) else ("right", "wrong")
    spread = ":" if asked["everywhere"] else "at[i]"
    options = {option: asked[option] for option in ("draws", "seed", "strengths")}
    return [
        "import base64",
        VECTOR,
        ERROR,
        "",
        *_order(engine, snapshot),
        *_neutral(engine, snapshot, asked),
        f'direction = vector("{asked["direction"]["vector"]}")',
        "unit = (direction.double() / direction.double().norm()).float()",
        f"at = {where(asked.get('at'), snapshot)}",
        _ADDED.format(name=name, picked=f"at{head}", right=right, wrong=wrong),
        "",
        _RESULT.format(
            name=name,
            picked=f"{spread}{head}",
            each="_, ids" if asked["everywhere"] else "i, ids",
            **options,
        ),
    ]


def _order(engine: Engine, snapshot: Snapshot) -> list[str]:
    """Write the tokens whose order may flip, where the metric has no such pair."""
    if is_difference(snapshot):
        return []
    return answer_lines(engine, replace(snapshot, metric=None), ("right", "wrong"))


def _neutral(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write the texts that the direction should leave alone."""
    given = asked["neutral"]
    if given is not None:
        return prompts_text(engine, "neutral", given)
    own = reference_lines(engine, snapshot, "neutral", asked["reference"])
    return own or ["neutral = clean"]
