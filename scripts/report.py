"""How every report is written: a title, what it belongs to, and tables in Markdown."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "reports"


def commit() -> str:
    """Return the commit the numbers belong to, and whether files differ from it.

    Reports themselves do not count: writing the first must not make the second differ.
    """
    head = _git("rev-parse", "--short=12", "HEAD") or "no commit"
    changed = _git("status", "--porcelain", "--", ".", ":!reports")
    return f"{head}, with uncommitted changes" if changed else head


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; a float is shown with four digits."""
    lines = [_row(columns), _row(["---"] * len(columns))]
    lines += [_row([_cell(value) for value in row]) for row in rows]
    return "\n".join(lines) + "\n"


def write(name: str, title: str, body: str) -> Path:
    """Write reports/`name`.md and return where it is."""
    REPORTS.mkdir(exist_ok=True)
    machine = f"{platform.system()} {platform.machine()}"
    belongs = (
        f"Commit {commit()}. Python {platform.python_version()}, torch {version('torch')}, "
        f"transformer_lens {version('transformer_lens')}, {machine}."
    )
    path = REPORTS / f"{name}.md"
    path.write_text(f"# {title}\n\n{belongs}\n\n{body.strip()}\n", encoding="utf-8")
    print(f"wrote {path.relative_to(ROOT)}")
    return path


def once(name: str, make: Callable[[], list[Any]]) -> list[Any]:
    """Return what `make` gives, plain values, worked out once a commit.

    What takes minutes is then asked for by a test and by a report alike. Files that differ from
    the commit may change it: it is worked out anew.
    """
    belongs = commit()
    path = ROOT / ".verify" / f"{name}.json"
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["commit"] == belongs and " " not in belongs:
            return list(kept["rows"])
    rows = make()
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"commit": belongs, "rows": rows}), encoding="utf-8")
    return rows


def _git(*arguments: str) -> str:
    """Return what git says, or nothing where there is no git or no repository."""
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
