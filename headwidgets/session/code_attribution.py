"""Direct attribution as plain code: every write, and every token of a head, along a direction."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.methods.decompose import Apart, places_of, there
from headwidgets.methods.logit_direction import centres
from headwidgets.methods.record import mlp_name
from headwidgets.methods.source_tokens import Sources
from headwidgets.session.as_python_words import literal
from headwidgets.session.code_parts import ERROR, heads_text, listed
from headwidgets.session.code_stream import (
    CACHE,
    DIRECTION,
    SUMMARY,
    final_weight,
    gain,
    has_final_scale,
)

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_ALONG = '''

def along(i, cache, at):
    """What a logit difference reads off the stream at a position, its norm's scale frozen."""
    vector = direction(i)'''


def along_lines(engine: Engine) -> list[str]:
    """Write ``cached``, ``direction`` and ``along``."""
    out = [CACHE, DIRECTION, _ALONG]
    weight = final_weight(engine)
    if weight:
        out.append(f"    vector = vector * {weight}")
    if centres(engine):
        out.append("    vector = vector - vector.mean()  # LayerNorm centres")
    if has_final_scale(engine):
        out.append('    vector = vector / cache["ln_final.hook_scale"][0, at]')
    return [*out, "    return vector.double()", ERROR, SUMMARY]


def place_of(snapshot: Snapshot, at: Any) -> str:
    """Write the one position that is read in every prompt."""
    return listed(places_of(snapshot, range(len(snapshot.pairs)), at), at)


def attribution_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write an attribution by component or by source token."""
    if asked["by"] == "source token":
        return _by_source(engine, snapshot, asked)
    return [
        *component_lines(engine, snapshot, asked["at"]),
        "",
        "result = []",
        "for (part, layer, head), values in found.items():",
        '    kind = "bias" if "bias" in part else part',
        '    name = part if layer is None else f"{part} {layer}"',
        '    name = name if head is None else f"{layer}.{head}"',
        '    row = {"part": kind, "layer": layer, "head": head, "name": name}',
        '    result.append({**row, **summary("attribution", values)})',
    ]


def component_lines(engine: Engine, snapshot: Snapshot, at: Any) -> list[str]:
    """Write a loop that fills ``found``: (part, layer, head) to one number a prompt."""
    n_layers, n_heads = engine.facts.n_layers, engine.facts.n_heads
    loop = [
        "at, ids = places[i], clean[i]",
        "cache = cached(ids)",
        "vector = along(i, cache, at)",
        'add("embedding", None, None, cache["hook_embed"][0, at])',
    ]
    if _has_positions(engine, snapshot):
        loop.append('add("positions", None, None, cache["hook_pos_embed"][0, at])')
    loop += [
        f"for layer in range({n_layers}):",
        "    attn = bridge.blocks[layer].attn",
        '    z = cache[f"blocks.{layer}.attn.hook_z"][0, at].float()',
        f"    for head in range({n_heads}):",
        "        wrote = z[head] @ attn.W_O[head].detach().float()",
        *(f"        {line}" for line in gain(engine, "wrote", "cache")),
        '        add("head", layer, head, wrote)',
        *(f"    {line}" for line in _bias(engine)),
    ]
    if there(engine, [mlp_name(0)]):
        loop.append('    add("mlp", layer, None, cache[f"blocks.{layer}.hook_mlp_out"][0, at])')
    return [
        *along_lines(engine),
        "",
        "",
        f"places = {place_of(snapshot, at)}",
        "found = {}",
        "",
        "",
        "def add(part, layer, head, wrote):",
        '    """Note what a component adds to the metric."""',
        "    found.setdefault((part, layer, head), []).append(float(wrote.double() @ vector))",
        "",
        "",
        "for i in range(len(clean)):",
        *(f"    {line}" for line in loop),
        *_constants(engine),
    ]


def _has_positions(engine: Engine, snapshot: Snapshot) -> bool:
    """Whether the model adds positions to its stream; one that turns its keys shows none."""
    writes = Apart(engine, [snapshot.pair.clean], [0]).writes()
    return "positions" in [one.part for one in islice(writes, 2)]


def _bias(engine: Engine) -> list[str]:
    """Write what the heads' bias adds, of the layers that have one."""
    layers = []
    for layer in range(engine.facts.n_layers):
        bias = engine.weights.b_O(layer)
        if bias is not None and bool(bias.any()):
            layers.append(layer)
    if not layers:
        return []
    add = ["wrote = attn.b_O.detach().float()", *gain(engine, "wrote", "cache")]
    add.append('add("attention bias", layer, None, wrote)')
    if len(layers) == engine.facts.n_layers:
        return add
    return [f"if layer in {layers}:", *(f"    {line}" for line in add)]


def _constants(engine: Engine) -> list[str]:
    """Write what the biases of the final norm and of the unembedding add."""
    norm = getattr(getattr(engine.view, "ln_final", None), "original_component", None)
    out = []
    if getattr(norm, "bias", None) is not None:
        out += [
            "bias = bridge.ln_final.original_component.bias.detach().float()",
            'constants["final norm bias"] = [',
            "    float(direction(i) @ bias) for i in range(len(clean))",
            "]",
        ]
    if getattr(engine.view, "b_U", None) is not None:
        out += [
            "b_U = bridge.b_U.detach().float()",
            'constants["unembedding bias"] = [',
            "    float(b_U[answer[i]].mean() - b_U[foil[i]].mean()) for i in range(len(clean))",
            "]",
        ]
    if not out:
        return []
    return [
        "",
        "constants = {}",
        *out,
        "for name, values in constants.items():",
        "    if any(values):",
        "        found[name, None, None] = values",
    ]


def _by_source(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    facts = engine.facts
    heads = heads_text(engine, asked["heads"])
    groups = facts.n_heads // facts.n_kv_heads
    shared = f"head // {groups}" if groups > 1 else "head"
    lines, each = source_lines(snapshot)
    return [
        *along_lines(engine),
        "",
        "",
        "def keys(i, cache, layer, head):",
        '    """What each token brings a head: attention · value · W_O · direction, [key]."""',
        "    at, ids = places[i], clean[i]",
        '    pattern = cache[f"blocks.{layer}.attn.hook_pattern"][0, head, at, : len(ids)]',
        '    v = cache[f"blocks.{layer}.attn.hook_v"][0]',
        f"    v = v.reshape(len(ids), -1, {facts.d_head})[:, {shared}]",
        "    wrote = v.double() @ bridge.blocks[layer].attn.W_O[head].detach().double()",
        *(f"    {line}" for line in gain(engine, "wrote", "cache")),
        "    return pattern.double() * (wrote @ along(i, cache, at))",
        "",
        "",
        f"places = {place_of(snapshot, asked['at'])}",
        f"heads = {heads}",
        *lines,
        "caches = [cached(ids) for ids in clean]",
        "result = []",
        "for layer, head in heads:",
        "    found = [keys(i, caches[i], layer, head) for i in range(len(clean))]",
        f"    for source in {each}:",
        "        values = [float(x[sources[source][i]].sum()) for i, x in enumerate(found)]"
        if each == "sources"
        else "        values = [float(x[source]) for x in found]",
        '        row = {"layer": layer, "head": head, "source": source}',
        '        result.append({**row, **summary("attribution", values)})',
    ]


def source_lines(snapshot: Snapshot) -> tuple[list[str], str]:
    """Write the tokens that are told apart: positions, or the positions of every role.

    Returns
    -------
    lines : list of str
    each : str
        What a loop goes over.
    """
    sources = Sources(snapshot)
    if sources.by_position:
        return [], f"range({len(sources.labels)})"
    belongs = [
        sources.sums(np.eye(len(pair.clean)), i) > 0 for i, pair in enumerate(snapshot.pairs)
    ]
    out = ["sources = {"]
    for column, label in enumerate(sources.labels):
        rows = [np.flatnonzero(one[:, column]).tolist() for one in belongs]
        out.append(f"    {literal(str(label))}: {rows},")
    return [*out, "}"], "sources"
