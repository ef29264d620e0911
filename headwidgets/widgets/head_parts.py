"""The sections of a page of a head: what it is, and what its edits do."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from headwidgets.session.head_roles import FAILED, PASSED
from headwidgets.taxonomy.registry import find
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO, NOT_MEASURABLE
from headwidgets.widgets.markup import Markup, chance, h, joined, number, percent, signed

if TYPE_CHECKING:
    import pandas as pd

MARKS = {CONSISTENT: "●", CANDIDATE: "○", NO: "·", NOT_MEASURABLE: "–"}


def section(title: str, about: str, *body: str, wide: bool = False) -> Markup:
    """Return a section with a title and a line on what it is of."""
    lead = h("p", "hw-quiet hw-small hw-lead", about) if about else ""
    return h("section", "hw-wide" if wide else "", h("h3", "", title), lead, *body)


def why(frame: pd.DataFrame) -> Markup:
    """Say why a part is empty."""
    return h("p", "hw-quiet", _sentence(frame.attrs.get("why", "there is nothing to show")))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def roles(frame: pd.DataFrame, head: str) -> Markup:
    """Return every kind, the strongest verdict first; what it is not is folded away."""
    groups = {verdict: frame[frame["verdict"] == verdict] for verdict in MARKS}
    shown = [
        _role(row, head)
        for verdict in (CONSISTENT, CANDIDATE)
        for row in groups[verdict].to_dict("records")
    ]
    none = h("p", "", f"None of the {len(frame)} kinds that have a score.")
    folded = [
        h(
            "details",
            "",
            h("summary", "hw-small", f"{MARKS[verdict]} {verdict}: {_count(groups[verdict])}"),
            h("div", "hw-rows", *[_role(row, head) for row in groups[verdict].to_dict("records")]),
        )
        for verdict in (NO, NOT_MEASURABLE)
        if len(groups[verdict])
    ]
    about = (
        "● consistent with: threshold, null, all that its card asks · ○ candidate: not all of it"
    )
    body = h("div", "hw-rows", *shown) if shown else none
    return section("What it is", about, body, *folded)


def _count(frame: pd.DataFrame) -> str:
    return f"{len(frame)} kind{'s' if len(frame) != 1 else ''}"


def _role(row: dict[str, Any], head: str) -> Markup:
    good = "hw-good" if row["verdict"] == CONSISTENT else ""
    if row["verdict"] == NOT_MEASURABLE:
        words = h("span", "hw-small hw-quiet", str(row["reason"]))
        return h("div", "hw-role", h("span", "hw-mark", "–"), h("span", "", row["kind"]), words)
    scale = max(1.0, row["threshold"], row["score"])
    track = h(
        "span",
        "hw-track",
        h("span", "hw-fill", style=f"left:0;width:{percent(row['score'] / scale)}"),
        h("span", "hw-tick", style=f"left:{percent(row['threshold'] / scale)}"),
        title=f"{row['score']:.3f}, threshold {row['threshold']:g}: {row['unit']}",
    )
    return h(
        "div",
        "hw-role",
        h("span", f"hw-mark {good}", MARKS[row["verdict"]]),
        h("span", f"hw-name {good}", row["kind"]),
        track,
        h("span", "hw-num", number(row["score"])),
        h("span", "hw-small hw-quiet", f"{_evidence(row)} · ", _proof(row), *_lab(row, head)),
        title=str(row["reason"]),
    )


def _lab(row: dict[str, Any], head: str) -> list[str]:
    """Say where the study of a kind is opened on the head, if it has one and the head may be it."""
    if row["kind"] != "successor" or row["verdict"] not in (CONSISTENT, CANDIDATE):
        return []
    return [" · ", h("span", "", f'hw.SuccessionLab(s, head="{head}")')]


def _evidence(row: dict[str, Any]) -> str:
    parts = [chance(row["p"]), str(row["evidence"]), str(row["measured_on"])]
    return " · ".join(part for part in parts if part)


def _proof(row: dict[str, Any]) -> Markup:
    """Say how the proof went, with its numbers."""
    if row["proof"] not in (PASSED, FAILED):
        return h("span", "", "no proof tried")
    good = row["proof"] == PASSED
    way = "lost" if find(row["kind"]).proof_sign > 0 else "gained"
    words = (
        f"proof {row['proof']}: {number(100 * row['proof_share'])} % of the metric {way}, "
        f"{chance(row['proof_p'])} after correction, n = {row['proof_n']}"
    )
    return h("span", "hw-good" if good else "hw-bad", words)


def effects(frame: pd.DataFrame) -> Markup:
    """Return what each edit does to the metric, with its interval."""
    a = frame.attrs
    there = frame[frame["n"] > 0]
    clean = f"; {number(there['clean'].iloc[0])} without an edit" if len(there) else ""
    about = f"change of the {a['metric']}, {a['measured_on']}{clean}"
    ends = there[["effect", "low", "high"]].abs().to_numpy(float).ravel()
    scale = float(ends[ends > 0].max(initial=0.0)) or 1.0
    rows = [_edit(row, scale) for row in frame.to_dict("records")]
    notes = [h("p", "hw-small hw-quiet", _sentence(note)) for note in a["notes"]]
    if a["mean"]:
        notes.insert(0, h("p", "hw-small hw-quiet", f"The mean edit takes the {a['mean']}."))
    return section("What its edits do", about, h("div", "hw-rows", *rows), *notes)


def _edit(row: dict[str, Any], scale: float) -> Markup:
    name = h("span", "hw-name", row["edit"])
    if not row["n"]:
        return h("div", "hw-edit", name, h("span", "hw-rest hw-small hw-quiet", row["note"]))
    at = [0.5 + row[part] / (2 * scale) for part in ("effect", "low", "high")]
    left, right = sorted((0.5, at[0]))
    kind = "hw-fill hw-minus" if row["effect"] < 0 else "hw-fill"
    known = isfinite(row["low"])  # not of one prompt
    span = f"left:{percent(at[1])};width:{percent(at[2] - at[1])}" if known else "display:none"
    track = h(
        "span",
        "hw-track",
        h("span", kind, style=f"left:{percent(left)};width:{percent(right - left)}"),
        h("span", "hw-tick", style="left:50%"),
        h("span", "hw-span", style=span),
    )
    ends = f" [{number(row['low'])}, {number(row['high'])}]" if known else ""
    value = joined(h("b", "", signed(row["effect"])), h("span", "hw-quiet", ends))
    return h("div", "hw-edit", name, track, h("span", "hw-num hw-small", value))
