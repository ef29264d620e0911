"""Prompts with labelled positions and answers: the survey's Tables 3 and 4, and what heads need."""

from headwidgets.tasks.make import TaskSet, task

__all__ = ["TaskSet", "task"]
