"""Path patching as plain code: three passes, each a run with hooks (Wang et al. 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.methods.receivers import Receiver
from headwidgets.session.code_parts import base_of, effect_lines, heads_text, put_in_lines, where

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_HELD = '''

@functools.cache
def recorded(i, name):
    """An activation of the run that is edited, [position, ...]."""
    return activation({base}[i], name)


def held(i, sender):
    """Hold every head as it is in the run, but for what one sender writes."""
    hooks = []
    for layer in range({n_layers}):
        name = f"blocks.{{layer}}.attn.hook_z"
        z = recorded(i, name).clone()
        if layer == sender[0]:
            z[at[i], sender[1]] = put_in(i, name)[at[i], sender[1]].to(z)
        hooks.append((name, lambda x, hook, z=z: z[None])){mlps}
    return hooks'''

_MLPS = """
        mlp = f"blocks.{layer}.hook_mlp_out"  # held too
        hooks.append((mlp, lambda x, hook, out=recorded(i, mlp): out[None]))"""

_PATCHED = '''

def patched(i, sender, receivers):
    """The metric of prompt i with the paths from a sender to receivers patched."""
    if not receivers:  # the logits: all that is left is what the sender writes
        return measure(i, run({base}[i], held(i, sender)))
    read = {{}}  # what the receivers read when the sender alone writes something else

    def keep(x, hook, name):
        read[name] = x.clone()

    def put(x, hook, name, head):
        x = x.clone()
        x[:, :, head] = read[name][:, :, head]
        return x

    names = {{name for name, head in receivers}}
    seeing = [(name, functools.partial(keep, name=name)) for name in names]
    run({base}[i], held(i, sender) + seeing)
    hooks = [(n, functools.partial(put, name=n, head=head)) for n, head in receivers]
    return measure(i, run({base}[i], hooks))


prompts = range(len(clean))'''


def paths_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write the paths of every sender to the receivers together."""
    heads = heads_text(engine, asked["heads"])
    return [
        *_passes(engine, snapshot, asked),
        *_receivers(engine, asked["to"]),
        f"senders = {heads}",
        "result = []",
        "for layer, head in senders:",
        "    values = [patched(i, (layer, head), receivers) for i in prompts]",
        '    result.append({"layer": layer, "head": head, **effect(values)})',
    ]


def edges_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write the paths one by one, each from a sender to a receiver."""
    ends = {end: _end(end) for _, end in asked["edges"]}
    return [
        *_passes(engine, snapshot, asked),
        "receivers = {",
        *(f'    "{end}": {[_hook(engine, one) for one in read]},' for end, read in ends.items()),
        "}",
        "edges = [",
        *(f'    ("{sender}", "{end}"),' for sender, end in asked["edges"]),
        "]",
        "result = []",
        "for sender, receiver in edges:",
        '    head = tuple(map(int, sender.split(".")))',
        "    values = [patched(i, head, receivers[receiver]) for i in prompts]",
        '    result.append({"sender": sender, "receiver": receiver, **effect(values)})',
    ]


def _passes(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    kind, direction = asked["kind"], asked["direction"]
    base, _ = base_of(kind, direction)
    frozen = asked["mlps"] == "frozen" and engine.facts.has_mlp
    held = _HELD.format(base=base, n_layers=engine.facts.n_layers, mlps=_MLPS if frozen else "")
    return [
        *put_in_lines(snapshot, kind, direction, asked.get("seed", 0)),
        *effect_lines(base),
        "",
        f"at = {where(asked.get('at'), snapshot)}",
        held,
        _PATCHED.format(base=base),
    ]


def _receivers(engine: Engine, to: str) -> list[str]:
    ends = [one for name in to.split(", ") for one in _end(name)]
    if not ends:
        return ["receivers = []  # the logits"]
    return ["receivers = [", *(f"    {_hook(engine, one)},  # {one}" for one in ends), "]"]


def _end(name: str) -> list[Receiver]:
    return [] if name == "logits" else [Receiver.parse(name)]


def _hook(engine: Engine, one: Receiver) -> tuple[str, int]:
    """Name a receiver's hook point and its place there; a key is one for its group."""
    return one.hook(), one.place(engine.facts)
