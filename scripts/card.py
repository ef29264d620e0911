"""Measure what the bundled model can do, or a state of its training.

``python scripts/card.py`` measures the committed weights, writes the table that
`hw.report_card()` shows, and reports/card.md. ``python scripts/card.py FOLDER`` measures a
checkpoint, and only prints.
"""

from __future__ import annotations

import sys
from pathlib import Path

import report
import torch

import headwidgets as hw
from headwidgets.zoo.shipped import CARD, CARD_PROMPTS

COLUMNS = (
    *("task", "n", "accuracy", "skill", "accuracy_new", "skill_new", "chance"),
    *("head", "cost", "others", "special", "note"),
)
DIGITS = 6


def main(folder: str | None = None) -> int:
    """Measure, write, and fail where no task could be measured."""
    torch.set_num_threads(1)
    session = hw.Session(folder)
    frame = session.report_card(n=CARD_PROMPTS)
    name = "the bundled model" if folder is None else Path(folder).name
    card = hw.ReportCard(frame, f"{name}, n = {CARD_PROMPTS} a task")
    shown = frame.reindex(columns=list(COLUMNS)).astype(object).where(frame.notna(), "")
    body = f"{str(card).strip('<>')}.\n\n{report.table(COLUMNS, shown.to_numpy().tolist())}"
    if folder is None:
        frame.round(DIGITS).to_csv(CARD, index=False)
        report.write("card", "What the bundled model can do", body)
    else:
        sys.stdout.write(f"{body}\n")
    return 0 if frame["accuracy"].notna().any() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
