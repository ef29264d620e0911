"""The gate of a task, switched off: what a model that is at chance would be said to be."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import in_words, on_task, retrieved, skilled

_GATED = (on_task, in_words, retrieved, skilled)


@contextmanager
def gates_off():
    """Ask a model that is at chance all the same; yield the names of the tasks where it is."""
    real, refused = on_task.require_skill, set()

    def note(asked, right):
        try:
            real(asked, right)
        except NotMeasurable:
            refused.add(asked.prompts.name)

    with ExitStack() as stack:
        for module in _GATED:
            stack.enter_context(patch.object(module, "require_skill", note))
        yield refused
