"""Prompts with labelled positions and answers: the survey's Tables 3 and 4, and what heads need.

Called, as ``headwidgets.tasks()``, this room lists them: see `listing.tasks`.
"""

from headwidgets.room import answers
from headwidgets.tasks.make import TaskSet, task

__all__ = ["TaskSet", "task"]

answers(__name__, f"{__name__}.listing")
