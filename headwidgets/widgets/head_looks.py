"""The sections of a page of a head that its attention gives: by distance, and look by look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.methods.look_tables import BOS
from headwidgets.widgets.head_parts import section, why
from headwidgets.widgets.markup import Markup, h, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

COLUMNS = 33
"""Bars of the attention by offset, BOS not counted."""
_NAMED = 4  # bars with their value written out
_FEW = 0.05  # of the queries
_LABEL = 0.14  # of a bar's full height, what its value takes


def offsets(frame: pd.DataFrame, measured_on: str) -> Markup:
    """Return the mean attention by offset as bars."""
    title = "Where it looks, by distance"
    if not len(frame):
        return section(title, "", why(frame), wide=True)
    rows = frame.to_dict("records")
    near = [row for row in rows if row["to"] == BOS or row["offset"] < COLUMNS]
    top = max(row["attention"] for row in near) or 1.0
    named = sorted(near, key=lambda row: -row["attention"] * row["n"])[:_NAMED]
    few = _FEW * max(row["n"] for row in near)
    bars = [_bar(row, top, named=row in named, few=row["n"] < few) for row in near]
    key = (
        h("span", "hw-key"),
        "mean attention  ",
        h("span", "hw-key hw-line"),
        f"a head that spreads it evenly · pale: fewer than {_FEW:.0%} of the queries see that far",
    )
    legend = h("p", "hw-small hw-quiet", f"{measured_on} · ", *key)
    words = ", ".join(f"{row['to']} {row['attention']:.2f}" for row in named)
    chart = h("div", "hw-bars", *bars, role="img", aria_label=f"mean attention: {words}")
    return section(title, "", legend, chart, *_farther(rows, top), wide=True)


def _bar(row: dict[str, Any], top: float, *, named: bool, few: bool) -> Markup:
    tall, even = row["attention"] / top, row["uniform"] / top
    words = (
        f"{row['to']}: {row['attention']:.3f}; spread evenly {row['uniform']:.3f}; "
        f"{row['n']:,} queries"
    )
    over = even if tall < even < tall + _LABEL else tall  # a value does not lie on the line
    value = h("span", "hw-top hw-num", number(row["attention"]), style=f"bottom:{percent(over)}")
    well = h(
        "div",
        "hw-well",
        h("span", "hw-up", style=f"height:{percent(tall)}"),
        h("span", "hw-even", style=f"bottom:{percent(even)}"),
        value if named else "",
    )
    bos = row["to"] == BOS
    at = row["to"] if bos else "itself" if row["offset"] == 0 else str(row["offset"])
    label = at if bos or row["offset"] in (0, 1) or row["offset"] % 4 == 0 else ""
    kind = "hw-col" + (" hw-first" if bos else "") + (" hw-few" if few else "")
    foot = h("div", "hw-foot hw-zero" if label == "itself" else "hw-foot", label)
    return h("div", kind, well, foot, title=words)


def _farther(rows: Sequence[dict[str, Any]], top: float) -> list[Markup]:
    """Name what stands out farther back than the bars reach."""
    far = [row for row in rows if row["to"] != BOS and row["offset"] >= COLUMNS]
    far = sorted(far, key=lambda row: -row["attention"])[:_NAMED]
    said = [f"{row['to']} {number(row['attention'])}" for row in far if row["attention"] > top / 4]
    return [h("p", "hw-small", "Farther: " + ", ".join(said))] if said else []


def contexts(frame: pd.DataFrame, measured_on: str) -> Markup:
    """Return the strongest looks, the query and its key marked in their surroundings."""
    title = "Its strongest contexts"
    if not len(frame):
        return section(title, "", why(frame), wide=True)
    about = (
        f"{measured_on} · of each query (framed) the key (filled) that it takes most from; size is "
        "attention × the length of what the key's value adds to the stream"
    )
    names = h(
        "div",
        "hw-look hw-small hw-quiet",
        *(h("span", "hw-num" if name else "", name) for name in ("", "attention", "size", "back")),
    )
    return section(
        title, about, h("div", "", names, *map(_look, frame.to_dict("records"))), wide=True
    )


def _look(row: dict[str, Any]) -> Markup:
    strength = f"--a:{row['attention']:.2f}"
    if row["offset"]:
        key = h("mark", "hw-seen", row["key"], style=strength)
        words = [key, row["between"], h("mark", "hw-asks", row["query"])]
    else:
        words = [h("mark", "hw-seen hw-both", row["query"], style=strength)]
    after = h("span", "hw-quiet", row["after"])
    text = h("bdi", "hw-text", row["before"], *words, after, dir="auto")
    numbers = (number(row["attention"]), number(row["size"]), str(row["offset"]))
    return h("div", "hw-look", text, *(h("span", "hw-num", value) for value in numbers))
