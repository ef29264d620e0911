"""A sweep as plain code: one hook a run, one run an edit and prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.methods.snapshot import position
from headwidgets.methods.sweep_plan import Plan, places
from headwidgets.session.as_python_words import literal
from headwidgets.session.code_parts import base_of, effect_lines, heads_text, put_in_lines, where

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_EDITED = '''

def edited({arguments}):
    """The metric of prompt i with one edit."""
    new = put_in(i, name)

    def edit(x, hook):
        x = x.clone()
        x[0, {picked}] = new[{picked}].to(x)
        return x

    return measure(i, run({base}[i], [(name, edit)]))


prompts = range(len(clean))'''
_HEAD = ("i, name, at, head", "at, head")
_STREAM = ("i, name, at", "at")
_Z = '    name = f"blocks.{layer}.attn.hook_z"'


def sweep_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write a sweep over heads, heads and positions, or positions and layers."""
    kind, over = asked["kind"], asked["over"]
    direction = asked.get("direction", "denoise")
    base, _ = base_of(kind, direction)
    arguments, picked = _STREAM if over == "positions x layers" else _HEAD
    return [
        *put_in_lines(snapshot, kind, direction, asked.get("seed", 0)),
        *effect_lines(base),
        _EDITED.format(arguments=arguments, picked=picked, base=base),
        *(_over_heads if over == "heads" else _over_places)(engine, snapshot, asked),
    ]


def _over_heads(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    return [
        f"at = {where(asked.get('at'), snapshot)}",
        f"heads = {heads_text(engine, asked['heads'])}",
        "result = []",
        "for layer, head in heads:",
        _Z,
        "    values = [edited(i, name, at[i], head) for i in prompts]",
        '    result.append({"layer": layer, "head": head, **effect(values)})',
    ]


def _over_places(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write a loop over positions, or over the roles of prompts of several lengths."""
    plan = Plan(asked["kind"], asked["over"])
    labels = places(plan, snapshot)
    one = snapshot.one_length
    each = f"range({len(labels)})" if one else "places"
    at = "position" if one else "places[position][i]"
    out = [] if one else ["places = {", *(f"    {_role(p, snapshot)}," for p in labels), "}"]
    if asked["over"] == "heads x positions":
        return [
            *out,
            f"heads = {heads_text(engine, asked['heads'])}",
            "result = []",
            "for layer, head in heads:",
            _Z,
            f"    for position in {each}:",
            f"        values = [edited(i, name, {at}, head) for i in prompts]",
            '        row = {"layer": layer, "head": head, "position": position}',
            "        result.append({**row, **effect(values)})",
        ]
    return [
        *out,
        "result = []",
        f"for layer in range({engine.facts.n_layers}):",
        '    name = f"blocks.{layer}.hook_resid_pre"',
        f"    for position in {each}:",
        f"        values = [edited(i, name, {at}) for i in prompts]",
        '        result.append({"layer": layer, "position": position, **effect(values)})',
    ]


def _role(role: int | str | None, snapshot: Snapshot) -> str:
    """Write a role and its position in every prompt."""
    found = [position(role, pair, one_length=False)[0] for pair in snapshot.pairs]
    return f"{literal(str(role))}: {found}"
