"""The patch panel's static face: the metric and the top tokens as a picture."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

from headwidgets.methods.shown import RUNS
from headwidgets.widgets.face_ink import INK, LINE, QUIET
from headwidgets.widgets.face_text import write
from headwidgets.widgets.naming import model_name, visible

MARGIN, ROW, COLUMN = 14, 20, 230
WIDTH = 2 * MARGIN + 3 * COLUMN
BAR = (226, 236, 247)
LONGEST, WIDEST = 16, 108


def draw(state: Any) -> bytes:
    """Return a PNG of the numbers that a model's traits hold."""
    rows = max([len(state.panel.get("top", {}).get(run, ())) for run in RUNS] + [1])
    why = state.panel.get("why") or state.panel.get("error") or ""
    notes = [*_wrapped(_edits(state)), *_wrapped(why)]
    height = 2 * MARGIN + ROW * (len(notes) + rows + 6)
    page = Image.new("RGB", (WIDTH, height), "white")
    pen = ImageDraw.Draw(page)
    _say(pen, (MARGIN, MARGIN), visible(words(state), WIDEST - 8), INK, 14)
    y = MARGIN + ROW + 6
    for note in notes:
        _say(pen, (MARGIN, y), note)
        y += ROW
    y = _metric(pen, state, y + 4)
    pen.line((MARGIN, y, WIDTH - MARGIN, y), LINE)
    for place, run in enumerate(RUNS):
        _column(pen, state.panel.get("top", {}).get(run, []), run, (MARGIN + COLUMN * place, y + 6))
    out = BytesIO()
    page.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def words(state: Any) -> str:
    """Say what is shown: model, edits, the metric and why nothing changed."""
    rows = measured(state).get("rows", {})
    n = rows.get("clean", {}).get("n", 1)
    metric = ", ".join(f"{run} {number(rows[run])}" for run in RUNS if run in rows)
    name = model_name(state.model)
    edits = f"{len(state.edits)} edit{'' if len(state.edits) == 1 else 's'}"
    return " · ".join(filter(None, [name, edits, metric, f"n = {n}"]))


def measured(state: Any) -> dict[str, Any]:
    """Return the metric of the three runs; see `panel_product.effect`."""
    found: dict[str, Any] = state.effect or {}
    return found


def number(row: dict[str, Any]) -> str:
    """Write a value with half its interval."""
    if row["value"] is None:
        return "-"
    spread = "" if row["low"] is None else f" ± {row['high'] - row['value']:.2g}"
    return f"{row['value']:.3f}{spread}"


def _edits(state: Any) -> str:
    from headwidgets.methods.edits import Edit

    return "edits: " + ("; ".join(str(Edit.from_json(edit)) for edit in state.edits) or "none")


def _metric(pen: ImageDraw.ImageDraw, state: Any, y: int) -> int:
    """One line of the metric's three values and the normalised effect."""
    found = measured(state)
    rows = found.get("rows", {})
    _say(pen, (MARGIN, y), visible(str(found.get("metric", "")), WIDEST))
    for place, run in enumerate(RUNS):
        at = (MARGIN + COLUMN * place, y + ROW)
        _say(pen, at, number(rows[run]) if run in rows else "-", INK, 14)
    whole = rows.get("normalised", {})
    text = f"normalised effect {number(whole)} {whole['note']}" if whole else ""
    _say(pen, (MARGIN, y + 2 * ROW), visible(text.strip(), WIDEST))
    return y + 3 * ROW + 6


def _column(pen: ImageDraw.ImageDraw, rows: list[Any], run: str, at: tuple[int, int]) -> None:
    x, y = at
    _say(pen, (x, y), run)
    right = x + COLUMN - 18
    for row in rows:
        y += ROW
        share = row["p"] or 0.0
        pen.rectangle((x, y - 1, x + round((right - x) * share), y + ROW - 5), fill=BAR)
        _say(pen, (x + 4, y), visible(row["token"], LONGEST), INK)
        value = "-" if row["logit"] is None else f"{row['logit']:.2f}  {share:.3f}"
        write(pen, (right, y), value, INK, size=12, anchor="ra")


def _wrapped(text: str) -> list[str]:
    """Break a sentence into at most two lines."""
    seen = visible(text, 2 * WIDEST)
    return [line for line in (seen[:WIDEST], seen[WIDEST : 2 * WIDEST]) if line]


def _say(pen: Any, place: tuple[int, int], text: str, ink: Any = QUIET, size: int = 12) -> None:
    write(pen, place, text, ink, size=size, anchor="la")
