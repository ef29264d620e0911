"""Edits and their means as plain code: hooks on ``blocks.L.attn.hook_z``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.methods.means import SHUFFLES
from headwidgets.methods.record import mlp_name, z_name
from headwidgets.methods.snapshot import position

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwidgets.methods.edits import Edit
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_KEEP = """

def activation(ids, name):
    \"\"\"An activation of an unedited run, [position, ...].\"\"\"
    kept = []
    run(ids, [(name, lambda x, hook: kept.append(x[0].clone()))])
    return kept[0]"""

_MEAN = """

def average(ids, name, roles):
    \"\"\"Mean over the reference: by role, else by distance from the end; BOS has its own.\"\"\"
    sums = {}
    for row, places in zip(reference, reference_roles):
        values = activation(row, name).float()
        keys = [[len(row) - 1 - i, "any"] for i in range(len(row))]
        if row[0] == BOS:
            keys[0] = ["BOS"]
        for role, place in places.items():
            keys[place].append(role)
        for i, ways in enumerate(keys):
            for key in ways:
                total, n = sums.get(key, (0, 0))
                sums[key] = (total + values[i], n + 1)
    table = {key: total / n for key, (total, n) in sums.items()}
    keys = [len(ids) - 1 - i if len(ids) - 1 - i in table else "any" for i in range(len(ids))]
    for role in sorted(set(roles) & set(table)):
        keys[roles[role]] = role
    if ids[0] == BOS and "BOS" in table:
        keys[0] = "BOS"
    return torch.stack([table[key] for key in keys])"""

_SHUFFLED = f"""
shuffle = random.Random(0).shuffle
reference = []
for i in range({SHUFFLES}):
    ids = list(clean[i % len(clean)])
    first = 1 if ids[0] == BOS else 0
    rest = ids[first:]
    shuffle(rest)
    reference.append(ids[:first] + rest)"""


def mean_lines(
    engine: Engine, snapshot: Snapshot, reference: Callable[[str], list[str]]
) -> list[str]:
    """Write what a mean is taken over, and how; nothing where no edit needs it."""
    kinds = {edit.kind for edit in snapshot.edits}
    out = [_KEEP] if kinds & {"mean", "patch"} else []
    if "mean" not in kinds:
        return out
    given = reference("reference")
    roles = [dict(pair.roles) for pair in snapshot.reference or ()]
    wanted = [dict(pair.roles) for pair in snapshot.pairs]
    return [
        *out,
        _MEAN,
        "",
        "",
        f"BOS = {engine.text.bos_id}",
        *(given or ["import random", _SHUFFLED]),
        f"reference_roles = {roles}" if any(roles) else "reference_roles = [{}] * len(reference)",
        f"roles = {wanted}" if any(roles) and any(wanted) else "roles = [{}] * len(clean)",
    ]


def _comment(edit: Edit) -> str:
    """Say an edit on one line, whatever its roles are called: the next would be code."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(edit))


def edit_lines(snapshot: Snapshot) -> list[str]:
    """Write the function that makes the hooks of a prompt."""
    if not snapshot.edits:
        return []
    out = ["", "", "def hooks(i):", '    """The edits of prompt i, in order."""', "    made = []"]
    for number, edit in enumerate(snapshot.edits, 1):
        name = z_name(edit.layer) if edit.head is not None else mlp_name(edit.layer)
        out += _source(edit, name, number, snapshot)
        out += [
            "",
            f"    def edit_{number}(x, hook):  # {_comment(edit)}",
            "        x = x.clone()",
            f"        {_change(edit, number, snapshot)}",
            "        return x",
            "",
            f'    made.append(("{name}", edit_{number}))',
        ]
    return [*out, "    return made", ""]


def _source(edit: Edit, name: str, number: int, snapshot: Snapshot) -> list[str]:
    """Where an edit's new values come from."""
    if edit.kind == "patch":
        other = "corrupted" if snapshot.base == "clean" else "clean"
        return [f'    source_{number} = activation({other}[i], "{name}")']
    if edit.kind == "mean":
        return [f'    source_{number} = average(clean[i], "{name}", roles[i])']
    return []


def _change(edit: Edit, number: int, snapshot: Snapshot) -> str:
    at, head = _at(edit, snapshot), edit.head
    picked = f"x[:, {at}]" if head is None else f"x[:, {at}, {head.head}]"
    if edit.kind == "zero":
        return f"{picked} = 0"
    if edit.kind == "scale":
        return f"{picked} *= {float(edit.factor or 0.0)!r}"
    given = f"source_{number}[{at}]" if head is None else f"source_{number}[{at}, {head.head}]"
    return f"{picked} = {given}.to(x)"


def _at(edit: Edit, snapshot: Snapshot) -> str:
    """Positions as an index; a role differs from prompt to prompt."""
    if edit.at is None:
        return ":"
    pairs = snapshot.pairs
    places = [position(edit.at, pair, one_length=snapshot.one_length) for pair in pairs]
    once = [list(dict.fromkeys(row)) for row in places]  # a position named twice is edited once
    if all(row == once[0] for row in once):
        return str(once[0])
    if all(row == [len(pair.clean) - 1] for row, pair in zip(once, pairs, strict=True)):
        return "[-1]"
    return f"{once}[i]"
