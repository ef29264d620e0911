"""What one head is: every kind that has a score, by what can be claimed, with its proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headwidgets.taxonomy.registry import CLAIMS, all_kinds
from headwidgets.taxonomy.verdict import (
    CANDIDATE,
    CONSISTENT,
    NO,
    NOT_MEASURABLE,
    NOT_PROVED,
    seen_by_score,
)

if TYPE_CHECKING:
    from headwidgets.heads import Head
    from headwidgets.session.scored import Scored
    from headwidgets.taxonomy.registry import Kind

COLUMNS = (
    *("kind", "stage", "verdict", "score", "threshold", "unit", "p", "n", "task_accuracy"),
    *("evidence", "claim", "proof", "proof_share", "proof_p", "proof_n"),
    *("reason", "measured_on"),
)
VERDICTS = (CONSISTENT, CANDIDATE, NO, NOT_MEASURABLE)
"""The strongest first."""
PASSED, FAILED = "passed", "failed"
_WHOLE = "scores"  # the session's name of the frame of every kind
_KEPT = ("verdict", "score", "p", "n", "task_accuracy", "evidence", "reason")


def roles(session: Scored, head: Head) -> pd.DataFrame:
    """Return what is known of a head, measured where the session does not have it.

    Scores of the clean model that still hold are taken as they are, of two of one kind the later
    one; without scores of every kind among them, all kinds are measured. A kind whose verdict
    does not know of a proof yet is scored again.

    Returns
    -------
    DataFrame
        One row a kind that has a score: columns `COLUMNS`. By verdict, the strongest first, then
        claimable kinds before exploratory ones, then by p. proof is "passed" (corrected for the
        number of proofs that were tried), "failed" or "", with the share of the metric that was
        lost (of a kind that lowers it, gained), p after that correction and n: of several tries
        the weakest.
    """
    held = session.scores_held()
    if _WHOLE not in held:
        session.scores()
        held = session.scores_held()
    proofs, tried = session.proofs(), _tried(session, head)
    for kind, row in _rows(held, head).items():
        if _outdated(row, proofs.get((kind, head))):
            session.score(kind)
    held = session.scores_held()
    found, about = _rows(held, head), _about(held)
    rows = [
        {
            **{name: found[one.name][name] for name in _KEPT},
            **_card(one),
            **_proof(tried.get(one.name), passed=proofs.get((one.name, head))),
            "measured_on": about[one.name],
        }
        for one in all_kinds()
        if one.name in found
    ]
    rows.sort(key=_rank)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _card(kind: Kind) -> dict[str, Any]:
    about = {name: getattr(kind, name) for name in ("stage", "claim", "threshold", "unit")}
    return {"kind": kind.name, **about}


def _rank(row: dict[str, Any]) -> tuple[int, int, float]:
    p = float(row["p"])
    order = VERDICTS.index(row["verdict"]), CLAIMS.index(row["claim"])
    return (*order, p if np.isfinite(p) else 2.0)


def _rows(held: dict[str, pd.DataFrame], head: Head) -> dict[str, dict[str, Any]]:
    """Return the latest row of each kind for one head."""
    out: dict[str, dict[str, Any]] = {}
    for frame in held.values():
        mine = frame[(frame["layer"] == head.layer) & (frame["head"] == head.head)]
        out |= {str(row["kind"]): row for row in mine.to_dict("records")}
    return out


def _about(held: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Return what each kind was measured on."""
    out: dict[str, str] = {}
    for frame in held.values():
        each = frame.attrs.get("kinds", {})
        for kind in frame["kind"].unique():
            attrs = each.get(kind, frame.attrs)
            out[str(kind)] = str(attrs.get("measured_on", ""))
    return out


def _outdated(row: dict[str, Any], proved: bool | None) -> bool:  # noqa: FBT001 - a proof's outcome
    """Whether a verdict says otherwise than is known of its proof."""
    reason = str(row["reason"])
    said = next((value for value, words in NOT_PROVED.items() if words in reason), True)
    if said is True:  # it has passed, or is not asked for
        return not seen_by_score(row["evidence"]) and row["verdict"] == CONSISTENT and not proved
    return said is not proved


def _tried(session: Scored, head: Head) -> dict[str, dict[str, Any]]:
    """Return the weakest proof of each kind that was tried on a head and still holds."""
    tried = session.proofs_tried().sort_values("p_corrected")
    mine = tried[(tried["layer"] == head.layer) & (tried["head"] == head.head)]
    return {str(row["kind"]): row for row in mine.to_dict("records")}


def _proof(row: dict[str, Any] | None, *, passed: bool | None) -> dict[str, Any]:
    if row is None:
        return {"proof": "", "proof_share": np.nan, "proof_p": np.nan, "proof_n": 0}
    numbers = {"proof_share": float(row["share"]), "proof_p": float(row["p_corrected"])}
    return {"proof": PASSED if passed else FAILED, **numbers, "proof_n": int(row["n"])}
