"""`hw.tasks()`: every task, and how much of it a model can spell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from headwidgets.errors import InputError
from headwidgets.tasks.make import LEAST, TaskSet
from headwidgets.tasks.registry import all_tasks

if TYPE_CHECKING:
    from typing import Any

_TEXTS = ("name", "title", "group", "asks", "example", "shown", "source")


def tasks(session: Any = None) -> pd.DataFrame:
    """List the tasks: the survey's Tables 3 and 4, and what single kinds of head need.

    Parameters
    ----------
    session : Session or Hugging Face tokenizer, optional
        Whose tokenizer to spell them with.

    Returns
    -------
    DataFrame
        One row a task: name, title, group, asks, example, shown (what the corrupted prompt
        changes), source, trained (whether the bundled model was trained on it), templates.
        With a session: usable, n, the different prompts found out of 100, for the reason.

    Raises
    ------
    InputError
        If `session` is neither a session nor a tokenizer.
    """
    engine = getattr(session, "engine", None)
    if session is not None and engine is None and not callable(session):
        message = f"expected a session or a tokenizer, got {session!r:.80}"
        raise InputError(message)
    rows = []
    for one in all_tasks():
        row: dict[str, Any] = {name: getattr(one, name) for name in _TEXTS}
        row |= {"trained": one.trained, "templates": len(one.templates) + len(one.held_out)}
        if session is not None:
            tokenizer = session if engine is None else engine.text
            row |= _usable(TaskSet(one, 100), tokenizer, engine and engine.facts.n_ctx)
        rows.append(row)
    return pd.DataFrame(rows)


def _usable(asked: TaskSet, tokenizer: Any, n_ctx: int | None) -> dict[str, Any]:
    try:
        prompts = asked.prompts(tokenizer, n_ctx)
    except InputError as error:
        return {"usable": False, "n": 0, "reason": str(error)}
    return {"usable": len(prompts) >= LEAST, "n": len(prompts), "reason": "; ".join(prompts.notes)}
