"""One rule for every kind: an absolute threshold, a null that is a distribution, four words.

Standard deviations over heads, quotas and percentiles of the same model play no part in
it: in a small model they are impossible to reach or reached by necessity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CONSISTENT = "consistent with"
CANDIDATE = "candidate"
NO = "no"
NOT_MEASURABLE = "not measurable here"
P_MAX = 0.01
DRAWS = 999
LEAST_DRAWS = 200
NOT_PROVED = {
    None: "the proving intervention has not run",
    False: "the proving intervention failed, corrected for all that were tried",
}
"""Why a score that needs a proof is no more than a candidate."""
_SEEN_BY_SCORE = ("attention", "weights")  # their proof is asked for elsewhere, by `confirm`
_TIE = 1e-6  # relative: two sums of the same numbers in another order

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Remark:
    """Something to know about one head beside its score.

    Attributes
    ----------
    words : str
        Shown in the column "reason".
    at_most : str or None
        The best verdict that is still possible: `CANDIDATE`, `NO` or `NOT_MEASURABLE`.
        None only adds the words.
    """

    words: str
    at_most: str | None = None


def seen_by_score(evidence: str) -> bool:
    """Whether a score of this evidence may stand without a proof."""
    return evidence in _SEEN_BY_SCORE


def p_values(scores: Floats, null: npt.NDArray[np.floating]) -> Floats:
    """Share of draws in which some head of the model reaches a head's score.

    Parameters
    ----------
    scores : ndarray of float, [head]
        All heads of the model, NaN where there is no score.
    null : ndarray of float, [draw, head]
        The same score with its structure broken.

    Returns
    -------
    ndarray of float64, [head]
        ``(1 + draws that reach it) / (1 + draws)``: the measured score counts as one draw,
        since a share of exactly 0 would claim more than any number of draws can show
        (Phipson & Smyth 2010, "Permutation p-values should never be zero"). With 999 draws
        the least is 0.001. Taking the maximum over heads in each draw corrects for their
        number, however many or few there are.

    Raises
    ------
    ValueError
        If there are fewer than 200 draws.
    """
    if len(null) < LEAST_DRAWS:
        message = f"expected at least {LEAST_DRAWS} draws, got {len(null)}"
        raise ValueError(message)
    known = np.where(np.isnan(null), -np.inf, null)
    largest = np.sort(known.max(axis=1))
    bar = scores - _TIE * np.abs(scores)
    reached = len(largest) - np.searchsorted(largest, bar, side="left")
    return np.where(np.isnan(scores), np.nan, (1 + reached) / (1 + len(largest)))


def decide(
    score: float,
    p: float,
    *,
    threshold: float,
    evidence: str,
    remarks: tuple[Remark, ...] = (),
    proved: bool | None = None,
) -> tuple[str, str]:
    """Give the verdict on one head, and why.

    "consistent with": the threshold is reached and p ≤ .01 and, unless the evidence is
    attention or weights, the proving intervention passed. "candidate": threshold or null,
    not both. "not measurable here": the number has no meaning on this model. Else "no".

    Parameters
    ----------
    score, p : float
    threshold : float
        Reached by ``score >= threshold``.
    evidence : str
        The kind's evidence class.
    remarks : tuple of Remark
        They can only lower the verdict.
    proved : bool, optional
        Outcome of the proving intervention, None if it has not run.

    Returns
    -------
    verdict, reason : str
    """
    hopeless = [one.words for one in remarks if one.at_most == NOT_MEASURABLE]
    if hopeless or np.isnan(score):
        return NOT_MEASURABLE, "; ".join(hopeless) or "there is no score"
    reached, beaten = score >= threshold, p <= P_MAX
    reasons = [
        f"{score:.3f} {'reaches' if reached else 'is below'} {threshold:g}",
        f"p = {p:.3f}" + ("" if beaten else f" is above {P_MAX:g}"),
    ]
    verdict = CONSISTENT if reached and beaten else CANDIDATE if reached or beaten else NO
    if verdict == NO:
        return NO, "; ".join([*reasons, *(one.words for one in remarks if one.at_most == NO)])
    if not seen_by_score(evidence) and not proved:
        verdict = CANDIDATE
        reasons.append(NOT_PROVED[proved])
    for one in remarks:
        reasons.append(one.words)
        if one.at_most == NO or (one.at_most == CANDIDATE and verdict == CONSISTENT):
            verdict = one.at_most
    return verdict, "; ".join(reasons)
