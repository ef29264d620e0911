"""Attribution patching as plain code: one forward and one backward a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.session.code_attribution import source_lines
from headwidgets.session.code_parts import ERROR, base_of, where
from headwidgets.session.code_stream import SUMMARY

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_GRADIENTS = '''

names = [f"blocks.{{layer}}.attn.hook_z" for layer in range({n_layers})]


def gradients(i):
    """z of every layer, and the metric's gradient there, each [1, position, head, d_head]."""
    kept = []

    def keep(z, hook):
        if not kept:  # the graph begins here
            z = z.detach().requires_grad_()
        kept.append(z)
        return z

    batch = torch.tensor([{base}[i]], device=bridge.cfg.device)
    logits = bridge.run_with_hooks(batch, fwd_hooks=[(name, keep) for name in names])
    found = measure(i, logits[0, -1].float().cpu())
    return kept, torch.autograd.grad(found, kept)


def estimates(i):
    """(z of the other run - z) · gradient, [layer, position, head]."""
    out = []
    for name, z, slope in zip(names, *gradients(i)):
        other = activation({giving}[i], name)
        out.append(((other - z[0].detach()).float() * slope[0].float()).sum(-1))
    return torch.stack(out).cpu()


found = [estimates(i) for i in range(len(clean))]
heads = [(layer, head) for layer in range({n_layers}) for head in range({n_heads})]
result = []
for layer, head in heads:'''


def gradient_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write the estimates of every head, or of every head and position."""
    base, giving = base_of("patch", asked["direction"])
    facts = engine.facts
    shape = {"n_layers": facts.n_layers, "n_heads": facts.n_heads}
    loop = _GRADIENTS.format(base=base, giving=giving, **shape)
    if asked["over"] == "heads":
        return [
            ERROR,
            SUMMARY,
            "",
            "",
            f"at = {where(asked.get('at'), snapshot)}",
            loop,
            "    values = [float(x[layer, at[i], head].sum()) for i, x in enumerate(found)]",
            '    result.append({"layer": layer, "head": head, **summary("estimate", values)})',
        ]
    lines, each = source_lines(snapshot)
    place = "position" if not lines else "sources[position][i]"
    return [
        ERROR,
        SUMMARY,
        "",
        "",
        *lines,
        loop,
        f"    for position in {each}:",
        f"        values = [float(x[layer, {place}, head].sum()) for i, x in enumerate(found)]",
        '        row = {"layer": layer, "head": head, "position": position}',
        '        result.append({**row, **summary("estimate", values)})',
    ]
