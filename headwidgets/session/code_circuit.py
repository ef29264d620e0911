"""A circuit's faithfulness, completeness and minimality as plain code: runs of sets of heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.methods.circuit_sets import read_circuit
from headwidgets.session.as_python_words import literal
from headwidgets.session.code_parts import ERROR, heads_text, put_in_lines, where

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headwidgets.heads import Head
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_RUNS = '''

def averaged(i, layer, head):
    """A hook that puts a head's mean in its place."""
    name = f"blocks.{layer}.attn.hook_z"
    new = put_in(i, name)[at[i], head]

    def put(z, hook):
        z = z.clone()
        z[0, at[i], head] = new.to(z)
        return z

    return name, put


@functools.cache
def F(kept):
    """The metric of every prompt, all heads but these at their means."""
    others = [head for head in model if head not in kept]
    hooks = [[averaged(i, *head) for head in others] for i in range(len(clean))]
    return [measure(i, run(ids, hooks[i])) for i, ids in enumerate(clean)]


def apart(one, other):
    """F of one set of heads minus F of another, of every prompt."""
    return [a - b for a, b in zip(F(one), F(other))]'''

_ROWS = '''

def row(score, of, taken, values):
    """Mean over the prompts and its standard error; of a difference, its size."""
    K = ", ".join(f"{layer}.{head}" for layer, head in sorted(taken))
    value = mean(values) if score == "metric" else abs(mean(values))
    number = {"value": value, "se": error(values), "n": len(values)}
    return {"score": score, "of": of, "K": K, **number}


def ratio(part, whole):
    """Ratio of means and its standard error; NaN where the whole is about 0."""
    if mean(whole) == 0 or abs(mean(whole)) < 2 * error(whole):
        return {"value": float("nan"), "se": float("nan"), "n": len(whole)}
    value = mean(part) / mean(whole)
    rest = [a - value * b for a, b in zip(part, whole)]
    return {"value": value, "se": error(rest) / abs(mean(whole)), "n": len(whole)}'''

_RESULT = """
M, C, none = frozenset(model), frozenset(circuit), frozenset()
result = [
    row("metric", "the model, F(M)", none, F(M)),
    row("metric", "the circuit, F(C)", none, F(C)),
    row("metric", "every head at its mean, F(∅)", none, F(none)),
    row("faithfulness", "|F(M) − F(C)|", none, apart(M, C)),
    {"score": "faithfulness", "of": "F(C) / F(M)", "K": "", **ratio(F(C), F(M))},
]
for name, heads in taken:
    K = frozenset(heads)
    result.append(row("completeness", name, K, apart(C - K, M - K)))
for head in circuit:
    own = [group for group in classes if head in group]
    tried = {frozenset(K) - {head}: None for K in [none, *own, C, *drawn]}
    changes = {K: apart(C - K, C - K - {head}) for K in tried}
    most = max(abs(mean(values)) for values in changes.values())
    rounding = 1e-5 * max(map(abs, F(M) + F(C)))  # of equal ones, the first
    K = next(K for K, values in changes.items() if abs(mean(values)) >= most - rounding)
    result.append(row("minimality", "{}.{}".format(*head), K, changes[K]))"""


def circuit_lines(engine: Engine, snapshot: Snapshot, asked: dict[str, Any]) -> list[str]:
    """Write the tests of a circuit, one run a set of heads and prompt."""
    found = read_circuit(asked["circuit"], engine.facts, asked["subsets"], asked["seed"])
    taken = [f"    ({literal(name)}, {_pairs(some)})," for some, name in found.taken.items()]
    return [
        *put_in_lines(snapshot, "mean", "noise"),
        ERROR,
        "",
        f"at = {where(asked.get('at'), snapshot)}",
        f"model = {heads_text(engine, None)}",
        f"circuit = {_pairs(found.heads)}",
        f"classes = [{', '.join(map(_pairs, found.classes.values()))}]",
        f"drawn = [{', '.join(map(_pairs, found.drawn))}]  # at random",
        "taken = [  # away, and what they are called",
        *taken,
        "]",
        _RUNS,
        _ROWS,
        "",
        _RESULT,
    ]


def _pairs(heads: Iterable[Head]) -> str:
    return str([(head.layer, head.head) for head in sorted(heads)])
