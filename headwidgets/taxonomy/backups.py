"""Backup name movers: what a head adds to the name once the name movers are out of action.

Wang et al. 2022 (arXiv 2211.00593), section 4.2. The name movers' output at the last token is set
to its mean over the prompts; what every head then adds directly to the lead of the name is set
against what it adds with them, the scale of the last norm held as it is with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.decompose import FINAL_SCALE, post_scale
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.asked import N
from headwidgets.taxonomy.last_token import at_end, heads_z, setting, written
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.movers import TASK, name_movers, without_edits
from headwidgets.taxonomy.names import LOOKS
from headwidgets.taxonomy.ov import unembedding
from headwidgets.taxonomy.readout import Readout
from headwidgets.taxonomy.reduce import batches
from headwidgets.taxonomy.registry import Work
from headwidgets.taxonomy.seen import Look, see
from headwidgets.taxonomy.verdict import CANDIDATE, NO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from headwidgets.model.engine import Engine
    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.reduce import Floats

SETS, LEAST_SETS = 20, 3
"""Times that other heads are drawn for the null, and different sets among them."""


class _Ends(NamedTuple):
    """What heads write at the last token of each prompt.

    Attributes
    ----------
    adds : ndarray of float32, [prompt, layer, head]
        To the lead of the answer over the foil, before the last norm divides.
    scale : ndarray of float32, [prompt]
        What the last norm divides by.
    z : Tensor, [layer, head, d_head]
        Mean over prompts.
    norms : dict
        Of each batch, by its first prompt, what the norms behind the attention divide by.
    """

    adds: Floats
    scale: Floats
    z: Tensor
    norms: dict[int, dict[str, Tensor]]


def work(_: Facts) -> Work:
    """Say what it takes: with the name movers, without them, without each set of others."""
    return Work(TASK, N, forwards=5 + SETS)


def backing_up(measure: Measure) -> Scores:
    """Score what each head adds more to the name without the name movers, in logits.

    Raises
    ------
    NotMeasurable
        If there are no name movers, or no other heads in their layers, or edits are in force.
    """
    without_edits(measure)
    task = measure.task(TASK)
    movers = name_movers(measure)
    engine, asked = measure.engine, task.asked
    Readout(engine, asked.rows[0])  # refuses a model whose heads do not simply add up
    clean = ends_of(engine, asked)
    scale = clean.scale[:, None, None]
    usual = clean.adds / scale

    def gain(out: Sequence[Head]) -> Floats:
        """Return what is added more without these heads; of themselves nothing."""
        after = ends_of(engine, asked, {head: clean.z[head] for head in out}, clean).adds / scale
        change = broken.beyond_rounding(after - usual)
        for head in out:
            change[:, head.layer, head.head] = 0
        return change

    random = np.random.default_rng(measure.seed)
    sets = _others(movers, usual.shape[2], random)
    parts = np.array_split(np.arange(measure.draws), len(sets))
    null = [
        broken.resampled(gain(out), len(part), random)
        for out, part in zip(sets, parts, strict=True)
        if len(part)
    ]
    fed = ", ".join(map(str, movers))
    words = f"{task.words}, without {fed}"
    scores = Scores(gain(movers), np.concatenate(null), task.accuracy, words=words)
    looks = _looks(engine, asked, {head: clean.z[head] for head in movers})
    _ask(measure, scores, (usual.mean(0), looks), movers)
    return scores


def _ask(
    measure: Measure, scores: Scores, seen: tuple[Floats, Floats], movers: Sequence[Head]
) -> None:
    """Say what a head adds with the name movers and without; refuse what is no backup."""
    usual, looks = seen
    least = min(float(usual[head]) for head in movers)
    for head in movers:
        scores.remark(head, "it is one of the name movers that are taken out", at_most=NO)
    for head in scores.reaching(measure.threshold):
        before, after = float(usual[head]), float(usual[head] + scores.mean[head])
        said = f"adds {before:.2f} logits with the name movers, {after:.2f} without"
        if before >= least:
            scores.remark(head, f"{said}: as much as they do", at_most=NO)
        elif before < 0 and after <= -before / 2:
            scores.remark(head, f"{said}: it only lowers the name less", at_most=NO)
        else:
            at = float(looks[head])
            said += f", and looks at the name with {at:.2f} then (asked: {LOOKS:g})"
            scores.remark(head, said, at_most=None if at >= LOOKS else CANDIDATE)


def _others(
    movers: Sequence[Head], n_heads: int, random: np.random.Generator
) -> list[tuple[Head, ...]]:
    """Draw sets of heads that are no movers, as many of each layer as there are movers.

    Raises
    ------
    NotMeasurable
        If a layer has no others.
    """
    layers = sorted({head.layer for head in movers})
    found = set()
    for _ in range(SETS):
        some: list[Head] = []
        for layer in layers:
            own = {head.head for head in movers if head.layer == layer}
            rest = [head for head in range(n_heads) if head not in own]
            if not rest:
                message = f"all heads of layer {layer} move the name: there is nothing to compare"
                raise NotMeasurable(message)
            chosen = random.choice(rest, min(len(own), len(rest)), replace=False)
            some += [Head(layer, int(head)) for head in chosen]
        found.add(tuple(sorted(some)))
    if len(found) < LEAST_SETS:
        message = f"{len(found)} sets of other heads could be taken out, {LEAST_SETS} are needed"
        raise NotMeasurable(message)
    return sorted(found)


def ends_of(
    engine: Engine,
    asked: Asked,
    out: Mapping[Head, Tensor] | None = None,
    like: _Ends | None = None,
) -> _Ends:
    """Run the prompts with some heads set to a given z at the last token.

    `like` is the run whose norms behind the attention, where a model has them, keep their scale:
    else heads beside those that are out would seem to react.
    """
    facts, n = engine.facts, len(asked.rows)
    shape = (facts.n_layers, facts.n_heads)
    adds, scale = np.zeros((n, *shape), np.float32), np.ones(n, np.float32)
    total = [torch.zeros(1)] * facts.n_layers
    norms: dict[int, dict[str, Tensor]] = {}
    for batch in batches(engine, asked.rows):
        checkpoint()
        rows = [asked.rows[i] for i in batch]
        hooks = setting(list(out), list(out.values()), len(rows[0]) - 1) if out else ()
        seen = at_end(engine, rows, [FINAL_SCALE], hooks)
        behind = [post_scale(layer) for layer in range(facts.n_layers)]
        norms[batch[0]] = {name: seen[name] for name in behind if name in seen}
        if like is not None:
            seen |= like.norms[batch[0]]
        read = unembedding(engine, [one for i in batch for one in (asked.answer[i], asked.foil[i])])
        along = (read[:, 0::2] - read[:, 1::2]).T  # [row, d_model]
        for layer in range(facts.n_layers):
            wrote = written(engine, layer, seen).cpu()
            adds[batch, layer] = torch.einsum("rhm,rm->rh", wrote, along).numpy()
            total[layer] = total[layer] + heads_z(engine, layer, seen).sum(0).cpu()
        if FINAL_SCALE in seen:
            scale[batch] = seen[FINAL_SCALE].float().reshape(len(batch)).cpu().numpy()
    return _Ends(adds, scale, torch.stack(total) / n, norms)


def _looks(engine: Engine, asked: Asked, out: Mapping[Head, Tensor]) -> Floats:
    """Return the last token's attention on the name with some heads out, [layer, head]."""
    total = []
    for batch in batches(engine, asked.rows):
        rows = [asked.rows[i] for i in batch]
        hooks = setting(list(out), list(out.values()), len(rows[0]) - 1)
        looks = [Look(row, (len(row) - 1,)) for row in rows]
        for i, one in zip(batch, see(engine, looks, hooks=hooks), strict=True):
            span = asked.span("IO", i) or (0, 0)
            total.append(one.attention[:, :, 0, slice(*span)].sum(-1))
    found: Floats = np.mean(total, axis=0)
    return found
