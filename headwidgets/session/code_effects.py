"""A head's effect in parts as plain code: total, direct, through norms, through others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.methods.decompose import post_scale
from headwidgets.session.code_parts import ERROR, heads_text, put_in_lines, where
from headwidgets.session.code_stream import (
    cast,
    final_norm,
    has_final_scale,
    post_weight_text,
    read_lines,
)

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_STREAM = '''

def stream(i, hooks=()):
    """The last residual stream at the end of prompt i, [d_model]."""
    kept = []
    last = ("{last}", lambda x, hook: kept.append(x[0, -1].clone()))
    run(clean[i], [*hooks, last])
    return kept[0].float()


@functools.cache
def recorded(i, name):
    """An activation of the clean run, [position, ...]."""
    return activation(clean[i], name)


def replaced(i, layer, head):
    """z of one head of prompt i with what takes its place put in, [position, head, d_head]."""
    name = f"blocks.{{layer}}.attn.hook_z"
    z = recorded(i, name).clone()
    z[at[i], head] = put_in(i, name)[at[i], head].to(z)
    return z


def written(i, layer, head):
    """What the head then writes more at the end: at frozen norms, and with them recomputed."""
    z = recorded(i, f"blocks.{{layer}}.attn.hook_z")
    change = (replaced(i, layer, head) - z)[-1, head].float()
    change = change @ bridge.blocks[layer].attn.W_O[head].detach().float()'''

_POST = """    before = recorded(i, f"blocks.{{layer}}.attn.hook_out")[-1].float()
    norm, scale = bridge.blocks[layer].ln1_post, recorded(i, f"{scale}")[-1]
    with torch.no_grad():
        after, before = (norm(x[None, None]{to})[0, 0].float() for x in (before + change, before))
    return change / scale * {weight}, after - before"""

_FROZEN = '''

def at_frozen_scale(i, last, change):
    """The logits with a change of the stream, the final norm's scale as it was."""
    with torch.no_grad():
        normed = {norm}'''

_TABLE = '''

def repaired(row, less, largest):
    """Whether what comes later makes up for a head, beyond two errors and 1 % of its effect."""
    total, direct, indirect = row["total"], row["direct"], row["indirect"]
    sure, sure_indirect = (0 if x != x else 2 * x for x in (error(less), row["indirect_se"]))
    least = max(sure_indirect, 0.01 * abs(direct), 1e-4 * largest)
    weaker = abs(total) < abs(direct) and direct * indirect < 0
    return weaker and abs(mean(less)) > sure and abs(indirect) > least


at = {at}
heads = {heads}
result, less = [], []
for layer, head in heads:
    name = f"blocks.{{layer}}.attn.hook_z"
    total, direct, again = [], [], []
    for i in range(len(clean)):
        last = stream(i)
        z = replaced(i, layer, head)
        still, moved = written(i, layer, head)
        whole = measure(i, read(last))
        total.append(whole - measure(i, read(stream(i, [(name, lambda x, hook, z=z: z[None])]))))
        direct.append(whole - measure(i, at_frozen_scale(i, last, still)))
        again.append(whole - measure(i, read(last + moved)))
    parts = {{
        "total": total,
        "direct": direct,
        "layernorm": [a - d for a, d in zip(again, direct)],
        "indirect": [t - a for t, a in zip(total, again)],
    }}
    row = {{"layer": layer, "head": head}}
    row |= {{part: mean(values) for part, values in parts.items()}}
    row |= {{f"{{part}}_se": error(values) for part, values in parts.items()}}
    result.append({{**row, "n": len(total)}})
    less.append([d - t for t, d in zip(total, direct)])
largest = max(abs(row["direct"]) for row in result)
for row, values in zip(result, less):
    row["self_repair"] = repaired(row, values, largest)'''


def effects_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write the effects of heads, one run a head and prompt."""
    facts = engine.facts
    weight = post_weight_text(engine)
    scale = post_scale(0).replace("blocks.0", "blocks.{layer}")
    table = _TABLE.format(
        at=where(asked.get("at"), snapshot),
        heads=heads_text(engine, asked["heads"]),
    )
    post = _POST.format(scale=scale, weight=weight, to=cast(engine))
    return [
        *put_in_lines(snapshot, asked["kind"], "noise"),
        ERROR,
        *read_lines(engine, snapshot),
        _STREAM.format(last=f"blocks.{facts.n_layers - 1}.hook_resid_post"),
        post if weight else "    return change, change",
        *_frozen(engine),
        "",
        table,
    ]


def _frozen(engine: Engine) -> list[str]:
    norm = f"bridge.ln_final(last[None, None]{cast(engine)})[0, 0].float()"
    out = _FROZEN.format(norm=norm if getattr(engine.view, "ln_final", None) else "last")
    scale = '    scale = recorded(i, "ln_final.hook_scale")[-1]'
    through = [scale] if has_final_scale(engine) else []
    to = cast(engine)
    end = f"(normed + change){to}" if to else "normed + change"
    through += [f"    {line}" for line in final_norm(engine, "change", "scale")]
    return [out, *through, f"    return unembed({end})"]
