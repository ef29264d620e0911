"""From a residual stream to logits as plain code, and what norms do to a head's write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.methods.decompose import FINAL_SCALE, norm_weight, post_scale, there
from headwidgets.methods.logit_direction import centres
from headwidgets.model.finish import Finish
from headwidgets.session.code_parts import is_difference

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_READ = '''

def unembed(normed):
    """The logits{said} of what the final norm gives, [d_model]."""
    with torch.no_grad():
        logits = bridge.unembed(normed[None, None])[0, 0].float().cpu()
    return {out}


def read(stream):
    """The logits of a residual stream, [d_model]."""
    with torch.no_grad():
        return unembed({norm})'''


def read_lines(engine: Engine, snapshot: Snapshot, *, capped: bool | None = None) -> list[str]:
    """Write ``unembed`` and ``read``; a logit difference is told before a soft cap."""
    cap = Finish(engine).cap
    use = not is_difference(snapshot) if capped is None else capped
    out = f"{cap} * torch.tanh(logits / {cap})" if cap and use else "logits"
    said = ", before the soft cap," if cap and not use else ""
    has_norm = getattr(engine.view, "ln_final", None) is not None
    norm = f"bridge.ln_final(stream[None, None]{cast(engine)})[0, 0]" if has_norm else "stream"
    return [_READ.format(out=out, said=said, norm=norm)]


def cast(engine: Engine) -> str:
    """Write the conversion of float32 numbers for the model; "" where there is none."""
    dtype = engine.facts.dtype
    return "" if dtype == "float32" else f".to(torch.{dtype})"


def final_norm(engine: Engine, value: str, scale: str) -> list[str]:
    """Write how a write goes through the final norm at a frozen scale: statements on `value`."""
    out = []
    if centres(engine):
        out.append(f"{value} = {value} - {value}.mean()  # LayerNorm centres")
    if has_final_scale(engine):
        out.append(f"{value} = {value} / {scale}")
    weight = final_weight(engine)
    return [*out, f"{value} = {value} * {weight}"] if weight else out


def has_final_scale(engine: Engine) -> bool:
    """Whether the final norm shows what it divides by."""
    return bool(there(engine, [FINAL_SCALE]))


def final_weight(engine: Engine) -> str:
    """Write the final norm's weight; "" without one."""
    return _weight(getattr(engine.view, "ln_final", None), "bridge.ln_final")


def post_weight_text(engine: Engine) -> str:
    """Write the weight of the norm that follows a layer's heads; "" without one."""
    if not engine.facts.post_norm:
        return ""
    return _weight(engine.view.blocks[0].ln1_post, "bridge.blocks[layer].ln1_post")


def _weight(norm: object, name: str) -> str:
    if norm_weight(norm) is None:
        return ""
    weight = f"{name}.original_component.weight.detach().float()"
    return f"(1 + {weight})" if getattr(norm, "uses_weight_offset", False) else weight


def gain(engine: Engine, value: str, cache: str) -> list[str]:
    """Write what the norm after a layer's heads makes of a write, at its frozen scale."""
    weight = post_weight_text(engine)
    if not weight:
        return []
    name = post_scale(0).replace("blocks.0", "blocks.{layer}")
    return [f'{value} = {value} / {cache}[f"{name}"][0, at] * {weight}']


CACHE = '''

def cached(ids):
    """All activations of a run, [1, position, ...]."""
    with torch.no_grad():
        return bridge.run_with_cache(torch.tensor([ids], device=bridge.cfg.device))[1]'''

DIRECTION = '''

def direction(i):
    """What a logit difference reads off the normed stream, [d_model]."""
    W_U = bridge.W_U.detach().float()
    return W_U[:, answer[i]].mean(1) - W_U[:, foil[i]].mean(1)'''

SUMMARY = '''

def summary(name, values):
    """Mean over the prompts and its standard error."""
    return {name: mean(values), "se": error(values), "n": len(values)}'''
