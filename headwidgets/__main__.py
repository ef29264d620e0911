"""``python -m headwidgets demo``: copy the first notebook here and open JupyterLab on it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

NOTEBOOK = "00_first_look.ipynb"


def shipped_notebook() -> Path:
    """Return the notebook that came with this installation.

    A wheel carries it as package data; a checkout has it beside the package.

    Raises
    ------
    FileNotFoundError
        If neither place has it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / NOTEBOOK).is_file():
            return folder / NOTEBOOK
    message = f"{NOTEBOOK} is missing from {package}: reinstall headwidgets"
    raise FileNotFoundError(message)


def copy_notebook(folder: Path) -> Path:
    """Copy the notebook into `folder` unless it has one; return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / NOTEBOOK
    if target.exists():
        _say(f"{target} is already there and stays as it is")
    else:
        shutil.copyfile(shipped_notebook(), target)
        _say(f"wrote {target}")
    return target


def open_lab(notebook: Path) -> int:
    """Run JupyterLab on `notebook` until it is closed; return its exit status."""
    try:
        from jupyterlab.labapp import LabApp
    except ModuleNotFoundError:
        _say("JupyterLab is not installed; next: pip install 'headwidgets[lab]'")
        return 1
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    LabApp.launch_instance([str(notebook), *(["--allow-root"] if as_root else [])])
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m headwidgets", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="copy the first notebook and open JupyterLab on it")
    demo.add_argument("--dir", type=Path, default=Path(), help="where to copy it (default: here)")
    demo.add_argument("--no-open", action="store_true", help="only copy the notebook")
    chosen = parser.parse_args(arguments)
    try:
        notebook = copy_notebook(chosen.dir)
    except OSError as error:
        _say(f"could not copy the notebook: {error}")
        return 1
    return 0 if chosen.no_open else open_lab(notebook)


def _say(line: str) -> None:
    print(f"headwidgets: {line}", file=sys.stderr)  # noqa: T201 - a command talks to its user


if __name__ == "__main__":
    sys.exit(main())
