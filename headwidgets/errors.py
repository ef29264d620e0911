"""The errors a user can meet. Each message names what was expected, what came and the next step."""

from __future__ import annotations


class HeadwidgetsError(Exception):
    """Base of every error that headwidgets raises on purpose."""


class InputError(HeadwidgetsError, ValueError):
    """Something that was handed in cannot be used; the state is as it was before."""


class ModelError(HeadwidgetsError, RuntimeError):
    """A model could not be opened or run."""


class EditDropped(ModelError):
    """An edit changed an activation, yet the layer behind it wrote the same output."""


class NotMeasurable(HeadwidgetsError, ValueError):
    """The number that was asked for has no meaning on this model or these prompts."""


class Cancelled(HeadwidgetsError):
    """The work was cancelled between two steps; nothing is left behind."""
