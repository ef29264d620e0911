"""Write reports/confirmed.md: the kinds that are proved on the bundled model, by seed."""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd
import report
import torch
import transformers

import headwidgets as hw

SEEDS = (1, 2)
BAR = 14
TEXT = """\
The two heads of each kind with the highest score that are consistent with it or candidates,
chosen by `s.scores(causal=True)`, then broken on held-out templates and other prompts, n = 100
for each seed (`s.confirm_all`). "share": what is lost of the logit difference; p by bootstrap
against matched heads, corrected over all proofs of both seeds (Holm 1979). A head passes if it
does with every seed: share ≥ 0.1 and p ≤ .01. Kinds with one measurement count once.
"""


def rows(tables: list[pd.DataFrame]) -> list[tuple[object, ...]]:
    """Return a row a kind and head, and one for every kind that has none."""
    out: list[tuple[object, ...]] = []
    both = [table.to_dict("records") for table in tables]
    for row, other in zip(*both, strict=True):
        if pd.isna(row["layer"]):
            said = f"{row['reason']}"
            out.append((row["kind"], row["measurement"], "", "", "", "", "", said[:220]))
            continue
        name = f"{int(row['layer'])}.{int(row['head'])}"
        shares = ", ".join(f"{one['share']:.0%}" for one in (row, other))
        p = max(float(one["p_corrected"]) for one in (row, other))
        passed = "yes" if other["confirmed"] else "no"
        score = f"{row['score']:.3f}"
        out.append((row["kind"], row["measurement"], name, score, shares, f"{p:.3g}", passed, ""))
    return out


def main() -> int:
    """Score, prove, write; fail below the bar."""
    torch.set_num_threads(1)
    logging: Any = transformers.utils.logging
    logging.disable_progress_bar()
    session = hw.Session()
    session.scores(causal=True)
    tables = [session.confirm_all(seed=seed) for seed in SEEDS]
    found = tables[-1].attrs["confirmed"]  # what passed with every seed tried
    columns = ["kind", "measurement", "head", "score", f"share, seeds {SEEDS}", "p", "proved"]
    columns.append("why not")
    outcome = "kept" if len(found) >= BAR else "MISSED"
    said = f"Proved: {len(found)} distinct measurements ({', '.join(found)}). {outcome}: ≥ {BAR}.\n"
    body = f"{TEXT}\n{said}\n{report.table(columns, rows(tables))}"
    report.write("confirmed", "The kinds that are proved on the bundled model", body)
    return 0 if outcome == "kept" else 1


if __name__ == "__main__":
    sys.exit(main())
