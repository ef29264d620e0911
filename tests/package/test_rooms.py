"""The arrows between the rooms point one way: widgets, session, methods and kinds, model."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "headwidgets"

BASE = {"errors", "heads", "room", "whole"}
MODEL = {*BASE, "model"}
PROMPTS = {*MODEL, "prompts"}
METHODS = {*PROMPTS, "methods"}
TASKS = {*METHODS, "tasks"}
TAXONOMY = {*TASKS, "taxonomy"}
LABS = {*TAXONOMY, "labs"}
SESSION = {"home", *LABS, "session"}
WIDGETS = {*SESSION, "widgets"}

# Room -> the rooms that its modules may import while they are imported themselves. An
# import inside a function, or for types alone, is free: nothing is loaded because of it.
MAY_IMPORT = {
    "__init__": set(),
    "__main__": set(),
    "errors": set(),
    "heads": {"errors", "whole"},
    "home": set(),
    "room": set(),
    "whole": set(),
    "zoo": {*BASE, "zoo"},
    "model": MODEL,
    "prompts": PROMPTS,
    "methods": METHODS,
    "tasks": TASKS,
    "taxonomy": TAXONOMY,
    "labs": LABS,
    "session": SESSION,
    "widgets": WIDGETS,
}
# What makes the bundled model draws from the tasks; nothing that runs imports it. Its card and
# its sibling's checkpoints are data that lie beside it.
ALSO = {
    "model.boot": {"zoo"},
    "zoo.recipe": TASKS,
    "session.surveying": {"zoo"},
    "widgets.report_card": {"zoo"},
}
HEAVY = {"torch", "transformer_lens", "circuitsvis", "sklearn"}


def imports(source, package=()):
    """Yield the dotted names that `source`, a module of `package`, imports at module level."""
    waiting = list(ast.parse(source).body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = list(package[: len(package) - node.level + 1]) if node.level else []
            stem += [node.module] if node.module else []
            # `from headwidgets import model` names a room by its alias
            yield from (".".join([*stem, alias.name]) for alias in node.names)
        elif isinstance(node, ast.If):
            types_only = "TYPE_CHECKING" in ast.unparse(node.test)
            waiting += node.orelse if types_only else [*node.body, *node.orelse]
        elif isinstance(node, ast.Try):
            handled = [line for handler in node.handlers for line in handler.body]
            waiting += [*node.body, *handled, *node.orelse, *node.finalbody]
        elif isinstance(node, ast.With | ast.ClassDef):
            waiting += node.body


def wrong_arrows(module, source):
    """Return what module `module` (dotted, without the package's name) must not import."""
    parts = module.split(".")
    allowed = MAY_IMPORT[parts[0]] | ALSO.get(".".join(parts[:2]), set())
    targets = [
        name.split(".")
        for name in imports(source, ("headwidgets", *parts[:-1]))
        if name.split(".")[0] == "headwidgets"
    ]
    return [".".join(target[1:]) for target in targets if not {*target[1:2]} & allowed]


def modules():
    """Return dotted name -> path of every module of the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts)] = path
    return found


MODULES = modules()


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_one_way(module):
    path = MODULES[module]
    room = module.split(".")[0]
    assert room in MAY_IMPORT, f"a new room: say in MAY_IMPORT what {room} may import"
    wrong = wrong_arrows(module, path.read_text(encoding="utf-8"))
    assert not wrong, f"headwidgets/{room} must not import {wrong}"


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("widgets.")])
def test_widgets_do_no_mathematics(module):
    path = MODULES[module]
    loaded = {name.split(".")[0] for name in imports(path.read_text(encoding="utf-8"))}
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("model.engine", "from headwidgets.session import Session", ["session.Session"]),
        ("model.engine", "import headwidgets.widgets.state", ["widgets.state"]),
        ("model.engine", "from headwidgets import session", ["session"]),
        ("model.engine", "from ..zoo import planted", ["zoo.planted"]),
        ("model.engine", "from . import work", []),
        ("model.boot", "from headwidgets.zoo import planted", []),
        ("zoo.recipe.train", "from headwidgets.tasks import make", []),
        ("zoo.planted", "from headwidgets.tasks import make", ["tasks.make"]),
        ("session.session", "def f():\n    from headwidgets.widgets import state", []),
        (
            "session.session",
            "try:\n    import headwidgets.widgets\nexcept ImportError: ...",
            ["widgets"],
        ),
        ("session.session", "if TYPE_CHECKING:\n    from headwidgets.widgets.state import S", []),
        ("taxonomy.registry", "from headwidgets.methods import metrics\nimport torch", []),
    ],
)
def test_a_wrong_arrow_is_seen(module, source, wrong):
    assert wrong_arrows(module, source) == wrong
