"""The list of tasks: one decorated function each, found by name.

To add a task, write one function in a module of `MODULES`::

    @task(name="ioi", title="Indirect object identification", templates=(...), held_out=(...), ...)
    def ioi(draw: Draw) -> Item:
        ...

It then stands in `hw.tasks()`, in `hw.task` and in the tests of all tasks.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.item import Item

GROUPS = ("mechanism", "common", "heads")
"""The survey's Table 3, its Table 4, and what single kinds of head need besides."""
MODULES: tuple[str, ...] = (
    "lre",
    "toy_movie_review",
    "toy_mood_story",
    "icl_mc",
    "succession",
    "colored_object",
    "ioi",
    "mmlu",
    "truthful_qa",
    "sst2",
    "needle",
    "trivia_qa",
    "agenda",
    "ag_news",
    "rare_words",
    "subword",
    "syntax",
    "bilingual",
    "few_shot",
    "shown",
    "repeated_tokens",
    "key_value",
    "acronyms",
    "parity",
    "options",
    "yes_no",
    "memory_context",
    "comparison",
)

Function = Callable[["Draw"], "Item"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task: prompts that ask for one thing, and what the answer shows.

    Attributes
    ----------
    name, title : str
    group : {"mechanism", "common", "heads"}
    asks : str
        What has to be done, in a sentence.
    example : str
        A prompt and its answer, as one reads it.
    source : str
        Work that brought it, and the licence of its data where it has one.
    templates, held_out : tuple of str
        Those that the bundled model is trained on, and those that it never sees.
    shown : str
        What the corrupted prompt changes.
    trained : bool
        Whether the bundled model is trained on it.
    make : callable
        ``make(draw)`` returns an item.
    kinds : tuple of str
        Names by which `find` gives one part of it alone: ``"few-shot pairs: capital"`` is the
        task whose items are ``make(draw, kind="capital")``.
    """

    name: str
    title: str
    group: str
    asks: str
    example: str
    source: str
    templates: tuple[str, ...]
    held_out: tuple[str, ...]
    shown: str
    trained: bool = True
    make: Function
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a card that cannot be."""
        if self.group not in GROUPS or not self.templates or not self.held_out:
            message = f"task {self.name!r} lacks a group of {GROUPS} or templates of both kinds"
            raise ValueError(message)
        if set(self.templates) & set(self.held_out):
            message = f"task {self.name!r}: a template is both trained and held out"
            raise ValueError(message)


_TASKS: dict[str, Task] = {}


def task(**card: Any) -> Callable[[Function], Function]:
    """Note a function as a task; see `Task` for the card."""

    def note(function: Function) -> Function:
        made = Task(make=function, **card)
        if made.name in _TASKS and _TASKS[made.name].make.__module__ != function.__module__:
            message = f"two tasks are called {made.name!r}"
            raise ValueError(message)
        _TASKS[made.name] = made
        return function

    return note


def all_tasks() -> tuple[Task, ...]:
    """Return every task, in the order of `MODULES`."""
    places = {f"headwidgets.tasks.{module}": i for i, module in enumerate(MODULES)}
    for module in places:
        import_module(module)
    return tuple(
        sorted(_TASKS.values(), key=lambda one: places.get(one.make.__module__, len(places)))
    )


def find(name: object) -> Task:
    """Return the task of that name.

    Raises
    ------
    InputError
        If there is none, with the names that come near.
    """
    if isinstance(name, str) and ": " in name:
        found = _part(*name.split(": ", 1))
        if found is not None:
            return found
    known = {one.name: one for one in all_tasks()}
    asked = " ".join(str(name).lower().replace("_", " ").replace("-", " ").split())
    for one in known.values():
        if asked in (one.name.replace("-", " "), one.title.lower().replace("-", " ")):
            return one
    near = difflib.get_close_matches(asked, known, n=3, cutoff=0.5)
    meant = f"did you mean {', '.join(map(repr, near))}?" if near else "see hw.tasks()"
    some = ", ".join(map(repr, list(known)[:4]))
    message = f"expected a task such as {some}, got {name!r}; {meant}"
    raise InputError(message)


@lru_cache(maxsize=256)
def _part(name: str, kind: str) -> Task | None:
    """Return one part of a task that has parts, as a task."""
    whole = next((one for one in all_tasks() if one.name == name), None)
    if whole is None or kind not in whole.kinds:
        return None
    return replace(
        whole,
        name=f"{name}: {kind}",
        title=f"{whole.title}, {kind}",
        make=partial(whole.make, kind=kind),  # type: ignore[call-arg]
        kinds=(),
    )
