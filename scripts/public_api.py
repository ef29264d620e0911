"""Describe the public names and their signatures, one a line.

``python scripts/public_api.py`` prints them; ``--write`` makes them the snapshot that
tests/package compares with, so that a change of the public face is always on purpose.
"""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, ForwardRef

import headwidgets

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOT = Path(__file__).resolve().parent.parent / "tests" / "package" / "public_api.txt"
PACKAGE = headwidgets.__name__


def describe() -> str:
    """Return one line a public name, and one a public member of each class."""
    lines: list[str] = []
    for name in sorted(headwidgets.__all__):
        value = getattr(headwidgets, name)
        if inspect.isclass(value):
            bases = ", ".join(base.__name__ for base in value.__bases__)
            lines.append(f"class {name}({bases})")
            lines += [f"    {line}" for line in _members(value)]
        elif callable(value):
            lines.append(f"{name}{signature(value)}")
        else:
            lines.append(f"{name}: {type(value).__name__}")
    return "\n".join(lines) + "\n"


class _Bare(str):
    """An annotation that is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the text itself."""
        return str(self)


def signature(function: Callable[..., Any]) -> str:
    """Return a signature as it is written in the source, whatever Python reads it."""
    found = inspect.signature(function)
    arguments = [
        argument.replace(annotation=_bare(argument.annotation))
        for argument in found.parameters.values()
    ]
    returns = _bare(found.return_annotation)
    return str(found.replace(parameters=arguments, return_annotation=returns))


def _bare(annotation: object) -> object:
    if isinstance(annotation, ForwardRef):
        return _Bare(annotation.__forward_arg__)
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def _members(owner: type) -> list[str]:
    """Describe how `owner` is made, then its public members, its bases' of ours included."""
    lines = []
    if not issubclass(owner, BaseException):
        lines.append(f"__init__{signature(owner)}")
    ours = [base for base in owner.__mro__ if base.__module__.split(".")[0] == PACKAGE]
    for name in sorted({name for base in ours for name in vars(base)}):
        if name.startswith("_"):
            continue
        value = inspect.getattr_static(owner, name)
        if isinstance(value, property):
            settable = "" if value.fset is None else " (settable)"
            lines.append(f"{name}: property{settable}")
        elif isinstance(value, (classmethod, staticmethod)):
            kind = type(value).__name__
            lines.append(f"{name}{signature(getattr(owner, name))} [{kind}]")
        elif inspect.isfunction(value):
            lines.append(f"{name}{signature(value)}")
        else:
            lines.append(f"{name}: attribute")
    return lines


def main() -> None:
    """Print the description, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {SNAPSHOT.name}")
    if parser.parse_args().write:
        SNAPSHOT.write_text(describe(), encoding="utf-8")
    else:
        print(describe(), end="")


if __name__ == "__main__":
    main()
