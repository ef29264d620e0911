"""The patch panel's static face: the metric and the top tokens as a picture."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from headwidgets.methods.shown import RUNS

MARGIN, LINE, COLUMN, VALUE = 14, 20, 230, 8
WIDTH = 2 * MARGIN + 3 * COLUMN
INK, QUIET, RULE, BAR = (27, 27, 27), (90, 95, 104), (221, 221, 221), (226, 236, 247)
LONGEST, WIDEST = 16, 108


def draw(state: Any) -> bytes:
    """Return a PNG of the numbers that a model's traits hold."""
    rows = max([len(state.panel.get("top", {}).get(run, ())) for run in RUNS] + [1])
    notes = _wrapped([_edits(state), state.panel.get("why") or state.panel.get("error") or ""])
    height = 2 * MARGIN + LINE * (len(notes) + rows + 6)
    page = Image.new("RGB", (WIDTH, height), "white")
    pen = ImageDraw.Draw(page)
    pen.text((MARGIN, MARGIN), _cut(words(state), WIDEST - 8), INK, font=_font(14))
    y = MARGIN + LINE + 6
    for note in notes:
        pen.text((MARGIN, y), note, QUIET, font=_font(12))
        y += LINE
    y = _metric(pen, state, y + 4)
    pen.line((MARGIN, y, WIDTH - MARGIN, y), RULE)
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
    name = str(state.model.get("name", "?"))
    return " · ".join(filter(None, [name, f"{len(state.edits)} edits", metric, f"n = {n}"]))


def measured(state: Any) -> dict[str, Any]:
    """Return the metric's rows, wherever they are."""
    found: dict[str, Any] = state.panel.get("effect") or state.effect or {}
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
    pen.text((MARGIN, y), _cut(str(found.get("metric", "")), WIDEST), QUIET, font=_font(12))
    for place, run in enumerate(RUNS):
        at = (MARGIN + COLUMN * place, y + LINE)
        pen.text(at, number(rows[run]) if run in rows else "-", INK, font=_font(14))
    whole = rows.get("normalised", {})
    text = f"normalised effect {number(whole)} {whole['note']}" if whole else ""
    pen.text((MARGIN, y + 2 * LINE), _cut(text.strip(), WIDEST), QUIET, font=_font(12))
    return y + 3 * LINE + 6


def _column(pen: ImageDraw.ImageDraw, rows: list[Any], run: str, at: tuple[int, int]) -> None:
    x, y = at
    pen.text((x, y), run, QUIET, font=_font(12))
    right = x + COLUMN - 18
    for row in rows:
        y += LINE
        share = row["p"] or 0.0
        pen.rectangle((x, y - 1, x + round((right - x) * share), y + LINE - 5), fill=BAR)
        pen.text((x + 4, y), _cut(_shown(row["token"]), LONGEST), INK, font=_font(12))
        value = "-" if row["logit"] is None else f"{row['logit']:.2f}  {share:.3f}"
        pen.text((right, y), value, INK, font=_font(12), anchor="ra")


def _shown(token: str) -> str:
    return "".join(c if c.isprintable() else f"<{ord(c):x}>" for c in token.replace(" ", "·"))


def _wrapped(texts: list[str]) -> list[str]:
    """Cut long sentences into at most two lines each."""
    out: list[str] = []
    for text in filter(None, texts):
        out += [text[:WIDEST], _cut(text[WIDEST:], WIDEST)] if len(text) > WIDEST else [text]
    return out


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
