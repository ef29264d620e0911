"""The logit lens as plain code: by layer, and by head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.session.code_attribution import component_lines, place_of
from headwidgets.session.code_parts import ERROR
from headwidgets.session.code_stream import CACHE, SUMMARY, final_norm, gain, read_lines

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_BY_HEAD = """
shown = {shown}  # the prompt whose tokens are named
at, cache = places[shown], cached(clean[shown])
result = []
for (part, layer, head), values in found.items():
    if part != "head":
        continue
    z = cache[f"blocks.{{layer}}.attn.hook_z"][0, at, head].float()
    wrote = z @ bridge.blocks[layer].attn.W_O[head].detach().float()"""

_NAMED = """    raised = wrote @ bridge.W_U.detach().float()
    row = {{"layer": layer, "head": head, **summary("attribution", values)}}
    row["promoted"] = raised.topk({k}).indices.tolist()
    row["suppressed"] = (-raised).topk({k}).indices.tolist()
    result.append(row)"""

_BY_LAYER = '''

def stages(cache):
    """The stream after every stage, [1, position, d_model], by stage and layer."""
    yield "embedding", None, cache["blocks.0.hook_resid_pre"]
    for layer in range({n_layers}):{halves}
        yield "{whole}", layer, cache[f"blocks.{{layer}}.hook_resid_post"]


places = {places}
shown = {shown}  # the prompt whose tokens are named
found, best = {{}}, {{}}
for i, ids in enumerate(clean):
    for stage, layer, stream in stages(cached(ids)):
        logits = read(stream[0, places[i]])
        found.setdefault((stage, layer), []).append(measure(i, logits))
        if i == shown:
            best[stage, layer] = logits.softmax(-1).topk({k})

result = []
for (stage, layer), values in found.items():
    row = {{"stage": stage, "layer": layer, **summary("metric", values)}}
    row["top"] = best[stage, layer].indices.tolist()
    row["p"] = best[stage, layer].values.tolist()
    result.append(row)'''

_HALVES = """
        half = cache[f"blocks.{layer}.hook_resid_pre"] + cache[f"blocks.{layer}.hook_attn_out"]
        yield "attention", layer, half"""


def lens_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write a logit lens; tokens are named by their ids."""
    facts, k, shown = engine.facts, asked["k"], asked["index"]
    if asked["by"] == "head":
        scale = 'cache["ln_final.hook_scale"][0, at]'
        through = [*gain(engine, "wrote", "cache"), *final_norm(engine, "wrote", scale)]
        return [
            *component_lines(engine, snapshot, asked["at"]),
            _BY_HEAD.format(shown=shown),
            *(f"    {line}" for line in through),
            _NAMED.format(k=k),
        ]
    halves = facts.has_mlp and not facts.parallel
    loop = _BY_LAYER.format(
        n_layers=facts.n_layers,
        halves=_HALVES if halves else "",
        whole="mlp" if halves else "block",
        places=place_of(snapshot, asked["at"]),
        shown=shown,
        k=k,
    )
    return [CACHE, ERROR, SUMMARY, *read_lines(engine, snapshot, capped=True), loop]
