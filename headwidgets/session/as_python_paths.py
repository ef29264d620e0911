"""An edit of kind "path" as plain code: two runs with every head held but the senders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.methods.path_edit import path_sites

if TYPE_CHECKING:
    from headwidgets.methods.edits import Edit
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_CARRIED = '''

def carried(ids, other, senders, at, name):
    """An activation of a run in which the senders alone write as in the other one."""
    hooks = []
    for layer in range({n_layers}):
        held = f"blocks.{{layer}}.attn.hook_z"
        z, theirs = activation(ids, held), activation(other, held)
        for head in senders.get(layer, []):
            z[at, head] = theirs[at, head]
        hooks.append((held, lambda x, hook, z=z: z[None]))
    kept = []
    run(ids, [*hooks, (name, lambda x, hook: kept.append(x[0].clone()))])
    return kept[0]'''


def carried_lines(engine: Engine, snapshot: Snapshot) -> list[str]:
    """Write the function that runs the first passes; nothing where no path needs it."""
    there = any(path_sites(engine.facts, edit) for edit in snapshot.edits if edit.senders)
    return [_CARRIED.format(n_layers=engine.facts.n_layers)] if there else []


def path_lines(engine: Engine, edit: Edit, number: int, about: tuple[str, str]) -> list[str]:
    """Write the hooks of one path.

    Parameters
    ----------
    about : pair of str
        The positions as an index, and the edit in words.
    """
    at, words = about
    sites = path_sites(engine.facts, edit)
    if not sites:
        return [f"    # {words}: there is no path"]
    senders: dict[int, list[int]] = {}
    for head in edit.senders:
        senders.setdefault(head.layer, []).append(head.head)
    base, other = ("clean", "corrupted") if edit.into == "clean" else ("corrupted", "clean")
    where = "slice(None)" if at == ":" else at
    given = f"{base}[i], {other}[i], {senders}, {where}"
    out = [f"    # {words}"]
    for part, (name, heads) in enumerate(sites):
        what = f"{number}_{part}"
        out += [f'    source_{what} = carried({given}, "{name}")']
        if heads is None:
            out.append(f'    source_{what} = source_{what} - activation({base}[i], "{name}")')
            body = [f"        return x + source_{what}.to(x)"]
        else:
            body = [
                "        x = x.clone()",
                f"        x[:, :, {heads}] = source_{what}[:, {heads}].to(x)",
                "        return x",
            ]
        out += ["", f"    def edit_{what}(x, hook):", *body, ""]
        out.append(f'    made.append(("{name}", edit_{what}))')
    return out
