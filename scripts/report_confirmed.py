"""Write reports/confirmed.md: the kinds that are proved on the bundled model, by seed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import report
import torch
import transformers

import headwidgets as hw
from headwidgets.taxonomy import all_kinds
from headwidgets.taxonomy.confirmed import SHARE
from headwidgets.taxonomy.verdict import P_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

SEEDS = (1, 2)
BAR = 14
MOST = 220
"""Letters of a reason."""
TEXT = """\
The two heads of each kind with the highest score that are consistent with it or candidates,
chosen by `s.scores(causal=True)`, then put to the kind's proof, as its card has it, on prompts that
the score did not see: as a rule resampled on held-out templates, n = 100 for each seed
(`s.confirm_all`). "share": what is lost of the metric, as a rule the logit difference (gained, for
a kind that lowers it; brought back, where a proof restores); p by bootstrap, at least Student's,
against matched heads, and for some kinds against other directions and labels as well; over facts or
tasks where prompts share them; the larger one of the seeds, corrected over all proofs of both (Holm
1979). A head is proved if it passes with every seed: share ≥ 0.1, p ≤ .01, and a model that does
the task. "why not" is said where share and p do not say it: where no head was put to the proof, or
the proof could not be measured. Kinds with one measurement count once: {kinds} kinds are
{measurements} measurements.
"""


def rows(tables: list[pd.DataFrame]) -> list[tuple[object, ...]]:
    """Return a row a kind and head, and one for every kind that has none."""
    out: list[tuple[object, ...]] = []
    both = [table.to_dict("records") for table in tables]
    for row, other in zip(*both, strict=True):
        if pd.isna(row["layer"]):
            said = f"{row['reason']}"
            out.append((row["kind"], row["measurement"], "", "", "", "", "", said[:MOST]))
            continue
        name = f"{int(row['layer'])}.{int(row['head'])}"
        tries = (row, other)
        shares = ", ".join("–" if pd.isna(one["share"]) else f"{one['share']:.0%}" for one in tries)
        known = [float(one["p_corrected"]) for one in tries if pd.notna(one["p_corrected"])]
        p = f"{max(known):.3g}" if known else ""
        passed = "yes" if other["confirmed"] else "no"
        score = f"{row['score']:.3f}"
        out.append((row["kind"], row["measurement"], name, score, shares, p, passed, why(*tries)))
    return out


def why(*tries: Mapping[str, Any]) -> str:
    """Say why a head is not proved, where its shares and p do not."""
    unknown = [one for one in tries if pd.isna(one["share"])]
    last = tries[-1]  # its p is the largest of all tries, corrected over all proofs
    large = all(one["share"] >= SHARE for one in tries) and last["p_corrected"] <= P_MAX
    if unknown or (large and not last["confirmed"]):
        return str((*unknown, last)[0]["reason"])[:MOST]
    return ""


def text() -> str:
    """Return what the table is."""
    every = all_kinds()
    return TEXT.format(kinds=len(every), measurements=len({one.measurement for one in every}))


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
    body = f"{text()}\n{said}\n{report.table(columns, rows(tables))}"
    report.write("confirmed", "The kinds that are proved on the bundled model", body)
    return 0 if outcome == "kept" else 1


if __name__ == "__main__":
    sys.exit(main())
