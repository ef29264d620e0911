"""A list of models: what each stands for, what it is called, and its step if it is a checkpoint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from headwidgets.errors import InputError
from headwidgets.model.boot import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONFIG = "config.json"


class Asked(NamedTuple):
    """A model that is asked for: what to open, and how it is called."""

    model: Any
    name: str
    revision: str | None
    step: float


def listed(models: Any) -> list[Asked]:
    """Return the models of a list; a folder of models becomes those in it.

    Parameters
    ----------
    models : see `headwidgets.labs.across.across`

    Raises
    ------
    InputError
        If there is none.
    """
    pair = isinstance(models, tuple) and len(models) == 2 and _is_pair(models)  # noqa: PLR2004
    alone = pair or isinstance(models, str | Path) or not hasattr(models, "__iter__")
    out: list[Asked] = []
    for given in [models] if alone else list(models):
        model, revision = given if isinstance(given, tuple) and _is_pair(given) else (given, None)
        if isinstance(model, str | Path):
            folders = _within(Path(model).expanduser())
            several = [(str(folder), folder.name) for folder in folders]
            for name, shown in several or [(str(model), str(model))]:
                out.append(Asked(name, shown, revision, _step(revision or shown)))
        else:
            engine = getattr(model, "engine", model)
            facts = getattr(engine, "facts", None)
            name = DEFAULT if model is None else getattr(facts, "name", None) or _name(model)
            out.append(Asked(model, str(name), revision, _step(str(name))))
    if not out:
        message = "expected models: sessions, names, folders or (name, revision) pairs; got none"
        raise InputError(message)
    return out


def _is_pair(given: Sequence[Any]) -> bool:
    several = len(given) == 2  # noqa: PLR2004 - a name and a revision
    name, revision = given if several else (None, None)
    folder = isinstance(revision, str) and Path(revision).expanduser().is_dir()
    return isinstance(name, str | Path) and isinstance(revision, str) and not folder


def _name(model: Any) -> str:
    return str(getattr(getattr(model, "cfg", None), "model_name", None) or type(model).__name__)


def _within(folder: Path) -> list[Path]:
    """Return the models in a folder that is none itself."""
    if not folder.is_dir() or (folder / _CONFIG).exists():
        return []
    found = [one for one in folder.iterdir() if (one / _CONFIG).exists()]
    return sorted(found, key=lambda one: (_step(one.name), one.name))


def _step(text: str) -> float:
    """Read the number of a checkpoint: "step1000", "checkpoint-500", "0500"."""
    found = re.search(r"(?:^|step|checkpoint|ckpt|iter)[-_]?(\d+)$", Path(text).name)
    return float(found[1]) if found else float("nan")
