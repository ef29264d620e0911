"""Measure a state of the bundled model, such as a checkpoint of its training.

``python scripts/card.py FOLDER`` writes reports/card.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import report
import torch

import headwidgets as hw

PROMPTS = 200
COLUMNS = (
    *("task", "n", "accuracy", "skill", "accuracy_new", "skill_new", "chance"),
    *("head", "cost", "others", "special"),
)


def main(folder: str) -> int:
    """Measure, write, and fail where no task could be measured."""
    torch.set_num_threads(1)
    frame = hw.Session(folder).report_card(n=PROMPTS)
    card = hw.ReportCard(frame, f"{Path(folder).name}, n = {PROMPTS} a task")
    shown = frame.reindex(columns=list(COLUMNS)).astype(object).where(frame.notna(), "")
    body = f"{str(card).strip('<>')}.\n\n{report.table(COLUMNS, shown.to_numpy().tolist())}"
    report.write("card", "What the bundled model can do", body)
    return 0 if frame["accuracy"].notna().any() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
