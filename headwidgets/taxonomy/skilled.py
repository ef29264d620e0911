"""A task that the model does, and what it says to it: for kinds that take more than its prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headwidgets.taxonomy.asked import ask
from headwidgets.taxonomy.measure import own_rows
from headwidgets.taxonomy.on_task import accuracy, require_skill
from headwidgets.taxonomy.probing import said_at_end

if TYPE_CHECKING:
    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.reduce import Floats


class Done(NamedTuple):
    """A task, done.

    Attributes
    ----------
    asked : Asked
    said : ndarray of float32, [prompt, vocabulary]
        Logits at the end.
    accuracy : float
    """

    asked: Asked
    said: Floats
    accuracy: float

    @property
    def name(self) -> str:
        """What the prompts are called."""
        return self.asked.prompts.name or "the task"


def doing(measure: Measure, name: str, *, split: str = "test", n: int) -> Done:
    """Run a task's prompts to their end.

    Raises
    ------
    NotMeasurable
        If rows are given, the tokenizer cannot spell the task, or the model is at chance on it.
    """
    own_rows(measure, name)
    asked = ask(measure.engine, name, seed=measure.seed, split=split, n=n)
    said = said_at_end(measure.engine, asked.rows, measure.hooks)
    right = accuracy(asked, list(said))
    require_skill(asked, right)
    return Done(asked, said, right)
