"""The sections of a page of a head that its weights give: OV and QK as pairs of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.widgets.head_parts import section, why
from headwidgets.widgets.markup import Markup, h, number, token

if TYPE_CHECKING:
    import pandas as pd


def ov(frame: pd.DataFrame) -> Markup:
    """Return what it writes for the tokens that it sees."""
    title = "What it writes: OV circuit"
    if not len(frame):
        return section(title, "", why(frame), wide=True)
    a = frame.attrs
    about = (
        f"token it sees → outputs raised, and lowered; through {a['through']}, "
        f"{a['tokens']:,} tokens; logits above their mean, the final norm's scale left out"
    )
    own = (
        "The token that it sees is among the five that it raises most for ",
        h("b", "", _share(a["copied"])),
        " of tokens, among the five that it lowers most for ",
        h("b", "", _share(a["lowered"])),
        f" (by chance {_share(a['chance'])}).",
    )
    return section(title, about, h("p", "hw-lead", *own), _pairs(frame), wide=True)


def _share(value: float) -> str:
    return f"{100 * value:.2g} %" if value < 0.995 else f"{100 * value:.3g} %"  # noqa: PLR2004 - 100


def qk(frame: pd.DataFrame) -> Markup:
    """Return which keys query tokens prefer."""
    title = "What it looks for: QK circuit"
    if not len(frame):
        return section(title, "", why(frame), wide=True)
    a = frame.attrs
    about = (
        f"query token → keys it prefers; through {a['through']}, {a['tokens']:,} tokens; "
        "scores above the query's mean, before they are scaled"
    )
    own = (
        "The query token itself is among its five first keys for ",
        h("b", "", _share(a["same"])),
        f" of tokens (by chance {_share(a['chance'])}).",
    )
    return section(title, about, h("p", "hw-lead", *own), _pairs(frame), wide=True)


def _pairs(frame: pd.DataFrame) -> Markup:
    """Return one line a token: the token, then chips as strong as their scores."""
    first, second = str(frame.columns[1]), str(frame.columns[3])
    scale = float(frame["score"].abs().max())
    lines = []
    for _, some in frame.groupby(frame.columns[0], sort=False):
        rows = some.to_dict("records")
        raised = [_chip(row, second, scale) for row in rows if row["score"] > 0]
        lowered = [_chip(row, second, scale) for row in rows if row["score"] < 0]
        both = [h("div", "hw-chips", *chips) for chips in (raised, lowered) if chips]
        kind = "hw-pair" if lowered else "hw-pair hw-one"
        lines.append(h("div", kind, token(rows[0][first]), *both))
    return h("div", "hw-rows", *lines)


def _chip(row: dict[str, Any], name: str, scale: float) -> Markup:
    kind = "hw-chip hw-less" if row["score"] < 0 else "hw-chip"
    value = h("span", "hw-num", number(row["score"]))
    strength, about = abs(row["score"]) / scale, f"token {row[f'{name}_id']}"
    return h("span", kind, token(row[name]), value, style=f"--a:{strength:.2f}", title=about)
