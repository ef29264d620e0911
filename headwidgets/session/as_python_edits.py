"""Edits and what they put in as plain code: hooks on ``blocks.L.attn.hook_z`` and others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.methods.apply import sites
from headwidgets.methods.donors import donors
from headwidgets.methods.means import SHUFFLES
from headwidgets.methods.snapshot import position
from headwidgets.session.as_python_paths import carried_lines, path_lines
from headwidgets.session.as_python_words import literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

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

@functools.cache
def means(name):
    \"\"\"Means over the reference: by role, by distance from the end, of BOS, of the rest.\"\"\"
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
    return {key: total / n for key, (total, n) in sums.items()}


def average(ids, name, roles):
    \"\"\"Mean for a prompt: by role, else by distance from the end; BOS has its own.\"\"\"
    table = means(name)
    keys = [len(ids) - 1 - i if len(ids) - 1 - i in table else "any" for i in range(len(ids))]
    for role in sorted(set(roles) & set(table)):
        keys[roles[role]] = role
    if ids[0] == BOS and "BOS" in table:
        keys[0] = "BOS"
    return torch.stack([table[key] for key in keys])"""

VECTOR = """

def vector(text):
    \"\"\"Float32 numbers, as base64.\"\"\"
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)"""

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
    engine: Engine,
    snapshot: Snapshot,
    reference: Callable[[str], list[str]],
    sources: AbstractSet[str | None] | None = None,
) -> list[str]:
    """Write what is put in from other runs; nothing where no edit needs it.

    `sources` says what is put in ("patch", "mean", ...); by default what the edits do.
    """
    if sources is None:
        sources = {edit.source for edit in snapshot.edits}
    out = [_KEEP] if sources - {None} else []
    if "mean" not in sources:
        return out
    given = reference("reference")
    roles = [dict(pair.roles) for pair in snapshot.reference or ()]
    wanted = [dict(pair.roles) for pair in snapshot.pairs]
    return [
        "import functools",
        *out,
        _MEAN,
        "",
        "",
        f"BOS = {engine.text.bos_id}",
        *(given or ["import random", _SHUFFLED]),
        f"reference_roles = {literal(roles)}"
        if any(roles)
        else "reference_roles = [{}] * len(reference)",
        f"roles = {literal(wanted)}" if any(roles) and any(wanted) else "roles = [{}] * len(clean)",
    ]


def _comment(edit: Edit) -> str:
    """Say an edit on one line, whatever its roles are called: the next would be code."""
    said = str(edit).replace("</", "< /").replace("<!", "< !")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in said)


def edit_lines(engine: Engine, snapshot: Snapshot) -> list[str]:
    """Write the function that makes the hooks of a prompt."""
    if not snapshot.edits:
        return []
    numbered = list(enumerate(snapshot.edits, 1))
    out = [*_before(snapshot, numbered), *carried_lines(engine, snapshot)]
    out += ["", "", "def hooks(i):", '    """The edits of prompt i, in order."""', "    made = []"]
    for number, edit in numbered:
        if edit.senders:
            about = _at(edit, snapshot), _comment(edit)
            out += path_lines(engine, edit, number, about)
        else:
            write = _kept if edit.kept else _one
            out += write(engine, edit, number, snapshot)
    return [*out, "    return made", ""]


def _before(snapshot: Snapshot, numbered: list[tuple[int, Edit]]) -> list[str]:
    """Write what edits need once: directions, and which prompt gives to which."""
    out = []
    if any(edit.direction is not None for edit in snapshot.edits):
        out += ["import base64", VECTOR, "", ""]
    for number, edit in numbered:
        if edit.direction is not None:
            out.append(f'direction_{number} = vector("{edit.direction.to_json()["vector"]}")')
        if edit.seed is not None:
            rows = [pair.ids(snapshot.base) for pair in snapshot.pairs]
            giver = donors(snapshot, edit.seed)
            out.append(f"giver_{number} = {[rows.index(giver[row]) for row in rows]}")
    return out


def _one(engine: Engine, edit: Edit, number: int, snapshot: Snapshot) -> list[str]:
    """Write an edit of one place."""
    name, _ = sites(engine.facts, edit)[0]
    return [
        *_source(edit, name, number, snapshot),
        "",
        f"    def edit_{number}(x, hook):  # {_comment(edit)}",
        "        x = x.clone()",
        *(f"        {line}" for line in _change(edit, number, snapshot)),
        "        return x",
        "",
        f'    made.append(("{name}", edit_{number}))',
    ]


def _kept(engine: Engine, edit: Edit, number: int, snapshot: Snapshot) -> list[str]:
    """Write an edit of all heads but some."""
    kept: dict[int, list[int]] = {}
    for head in edit.kept:
        kept.setdefault(head.layer, []).append(head.head)
    at = _at(edit, snapshot)
    return [
        f"    kept = {kept}  # {_comment(edit)}",
        f"    for layer in range({engine.facts.n_layers}):",
        '        name = f"blocks.{layer}.attn.hook_z"',
        f"        others = set(range({engine.facts.n_heads})) - set(kept.get(layer, []))",
        "        source = average(clean[i], name, roles[i])",
        "",
        f"        def edit_{number}(x, hook, others=others, source=source):",
        "            x = x.clone()",
        "            for head in others:",
        f"                x[:, {at}, head] = source[{at}, head].to(x)",
        "            return x",
        "",
        f"        made.append((name, edit_{number}))",
    ]


def _source(edit: Edit, name: str, number: int, snapshot: Snapshot) -> list[str]:
    """Where an edit's new values come from."""
    if edit.source == "patch":
        other = "corrupted" if snapshot.base == "clean" else "clean"
        return [f'    source_{number} = activation({other}[i], "{name}")']
    if edit.source == "mean":
        return [f'    source_{number} = average(clean[i], "{name}", roles[i])']
    if edit.source == "resample":
        giver = f"{snapshot.base}[giver_{number}[i]]"
        return [f'    source_{number} = activation({giver}, "{name}")']
    return []


def _change(edit: Edit, number: int, snapshot: Snapshot) -> list[str]:
    at, head = _at(edit, snapshot), edit.head
    picked = f"x[:, {at}]" if head is None else f"x[:, {at}, {head.head}]"
    given = f"source_{number}[{at}]" if head is None else f"source_{number}[{at}, {head.head}]"
    if edit.kind == "zero":
        return [f"{picked} = 0"]
    if edit.kind == "scale":
        return [f"{picked} *= {float(edit.factor or 0.0)!r}"]
    if edit.kind == "add":
        added = f"{float(edit.factor or 0.0)!r} * direction_{number}.to(x.device)"
        return [f"{picked} = ({picked}.float() + {added}).to(x)"]
    if edit.kind == "subtract":
        to = "0" if edit.source is None else f"{given}.float()"
        return [
            f"unit = direction_{number}.double() / direction_{number}.double().norm()",
            "unit = unit.float().to(x.device)",
            f"old = {picked}.float()",
            f"along = (({to} - old) * unit).sum(-1, keepdim=True)",
            f"{picked} = (old + along * unit).to(x)",
        ]
    return [f"{picked} = {given}.to(x)"]


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
