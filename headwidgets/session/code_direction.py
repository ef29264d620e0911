"""How a direction was found, as plain code that leaves its vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.heads import Head
from headwidgets.methods.logit_direction import centres
from headwidgets.session.as_python_edits import VECTOR
from headwidgets.session.code_parts import place_name, where
from headwidgets.session.code_stream import DIRECTION, final_weight

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_TAKEN = '''

def taken(i, ids):
    """What is at the place, [position, width]."""
    return activation(ids, "{name}")[{picked}].float().cpu().double()'''

_LOGISTIC = '''
rows = torch.cat([one, other])
rows = torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)  # the last weight is the bias
side = torch.tensor([1.0] * len(one) + [-1.0] * len(other), dtype=torch.float64)
ridge = torch.ones(rows.shape[1], dtype=torch.float64)
ridge[-1] = 0


def loss(w):
    """½‖w‖² + Σ log(1 + exp(−side · (rows w))): logistic regression with C = 1."""
    fit = torch.nn.functional.softplus(-side * (rows @ w)).sum()
    return 0.5 * (ridge * w.square()).sum() + fit


w = torch.zeros_like(ridge)
for _ in range(100):  # Newton's method
    p = torch.sigmoid(-side * (rows @ w))
    slope = ridge * w - rows.T @ (side * p)
    curve = torch.diag(ridge) + (rows.T * (p * (1 - p)).clamp(min=1e-12)) @ rows
    step = torch.linalg.solve(curve, slope)
    while step.abs().max() > 1e-12 and loss(w - step) > loss(w):
        step = step / 2
    w = w - step
    if step.abs().max() < 1e-12:
        break
result = w[:-1].float()'''

READ_OFF = ("unembedding", "given")
"""How a direction is found without a run of the prompts at its place."""


def direction_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write how a direction is found; ``result`` is its vector, float32 [width]."""
    how = asked["how"]
    if how == "given":
        return ["import base64", VECTOR, "", f'result = vector("{asked["vector"]}")']
    if how == "unembedding":
        return _unembedding(engine, asked["target"])
    between = {
        "mean difference": ["result = (one.mean(0) - other.mean(0)).float()"],
        "pca": _pca(asked),
        "logistic": [_LOGISTIC],
    }
    return [*_sides(engine, snapshot, asked), *between[how]]


def _sides(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write the activations of the two sides, [row, width]."""
    name, head = place_name(engine, asked["target"])
    out = [
        f"at = {where(asked['at'], snapshot)}",
        _TAKEN.format(name=name, picked=f"at[i]{head}"),
        "",
    ]
    if asked["groups"] is None:
        return [
            *out,
            "one = torch.cat([taken(i, ids) for i, ids in enumerate(clean)])",
            "other = torch.cat([taken(i, ids) for i, ids in enumerate(corrupted)])",
        ]
    return [
        *out,
        f"groups = {asked['groups']}",
        "found = [taken(i, ids) for i, ids in enumerate(clean)]",
        "one = torch.cat([rows for rows, side in zip(found, groups) if side])",
        "other = torch.cat([rows for rows, side in zip(found, groups) if not side])",
    ]


def _pca(asked: dict[str, Any]) -> list[str]:
    """Write the first principal axis of the differences, pointing along their mean."""
    partners = asked["groups"] is None
    return [
        "differences = one - other"
        if partners
        else "differences = (one[:, None] - other).flatten(0, 1)",
        "axis = torch.linalg.svd(differences, full_matrices=False).Vh[0]",
        "result = (axis if axis @ (one.mean(0) - other.mean(0)) >= 0 else -axis).float()",
    ]


def _unembedding(engine: Engine, target: str) -> list[str]:
    """Write what a logit difference reads off the last stream, or off a head's z."""
    weight = final_weight(engine)
    out = [
        DIRECTION,
        "",
        "result = torch.stack([direction(i) for i in range(len(clean))]).mean(0)",
    ]
    if weight:
        out.append(f"result = result * {weight}")
    if centres(engine):
        out.append("result = result - result.mean()  # LayerNorm centres")
    if target[0].isdigit():
        head = Head.parse(target)
        write = f"bridge.blocks[{head.layer}].attn.W_O[{head.head}].detach().float()"
        out.append(f"result = {write} @ result")
    return [*out, "result = result.cpu()"]
