"""The static face of the taxonomy: four stages, their kinds, the best head of each."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from headwidgets.heads import Head
from headwidgets.taxonomy.registry import CLAIMABLE, EVIDENCE, STAGES
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NOT_MEASURABLE
from headwidgets.widgets.face_ink import INK, LINE, PICKED, QUIET
from headwidgets.widgets.face_text import width as written
from headwidgets.widgets.face_text import write
from headwidgets.widgets.naming import model_name, visible
from headwidgets.widgets.roles_table import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

MARGIN, WIDE, HIGH, GAP, ACROSS = 16, 168, 56, 8, 5
BAND, LEGEND = 26, 40
SMALL = 24_000
"""Bytes of the picture that every display carries, as far as fewer shades can."""
LEVELS = ((32, True), (8, False), (6, False))
"""Shades of grey, and whether a card says why it is not measurable: a file's, then smaller."""
PALE = (246, 247, 248)
LETTERS = {name: name[0].upper() for name in EVIDENCE}
LEGEND_WORDS = (
    "● consistent with   ○ candidate   · no   – not measurable here   … not measured yet",
    (
        "A attention   W weights   D direct attribution   C causal   P probe   "
        "dashed: exploratory, or a kind that not every model has"
    ),
)


def words(state: Any) -> str:
    """Say what was found, in a line."""
    roles, cards = state.roles.get("kinds", {}), state.kinds
    done = sum(one["measurable"] for one in roles.values())
    found = [
        f"{name} {row['head']}"
        for name, one in roles.items()
        for row in one["best"]
        if row["verdict"] == CONSISTENT
    ]
    more = [f"{len(found) - 3} more"] if len(found) > 3 else []  # noqa: PLR2004 - three are named
    said = ", ".join([*found[:3], *more])
    return " · ".join(filter(None, [f"{done} of {len(cards)} kinds measured", said]))


def draw(state: Any, most: int | None = SMALL) -> bytes:
    """Return a PNG of what a session's state holds.

    Parameters
    ----------
    state : SessionState
    most : int, optional
        Bytes to stay within, as far as fewer shades can; None: the best picture.
    """
    for shades, reasons in LEVELS:
        out = BytesIO()
        few = _few(picture(state, reasons=reasons), shades)
        few.save(out, "PNG", optimize=True)
        if most is None or out.tell() <= most:
            break
    return out.getvalue()


def _few(page: Image.Image, shades: int) -> Image.Image:
    """Reduce a picture to shades of grey, and the ring around the selected head."""
    greys = [(round(g),) * 3 for g in np.linspace(INK[0], 255, shades)]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.array([*greys, PICKED], np.uint8).tobytes())
    return page.quantize(palette=palette, dither=Image.Dither.NONE)


def picture(state: Any, *, reasons: bool = True) -> Image.Image:
    """Return the taxonomy as an image, with or without why a kind is not measurable."""
    lanes = [[card for card in state.kinds if card["stage"] == stage] for stage in STAGES]
    rows = [-(-len(lane) // ACROSS) for lane in lanes]
    width = 2 * MARGIN + ACROSS * WIDE + (ACROSS - 1) * GAP
    height = MARGIN + 44 + sum(BAND + n * (HIGH + GAP) for n in rows) + LEGEND + MARGIN
    page = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(page)
    write(pen, (MARGIN, MARGIN - 2), "Kinds of attention head", INK, size=15, anchor="la")
    said = f"{visible(model_name(state.model), 80)} · {words(state)}"
    write(pen, (MARGIN, MARGIN + 20), said, QUIET, size=11, anchor="la")
    y, depths = MARGIN + 44, thirds(state)
    for number, (stage, lane) in enumerate(zip(STAGES, lanes, strict=True), start=1):
        write(pen, (MARGIN, y + 4), f"{number}  {stage}", INK, size=13, anchor="la")
        write(pen, (width - MARGIN, y + 6), depths[stage], QUIET, size=11, anchor="ra")
        y += BAND
        for i, card in enumerate(lane):
            row, column = divmod(i, ACROSS)
            at = (MARGIN + column * (WIDE + GAP), y + row * (HIGH + GAP))
            _card(pen, at, card, state, reasons=reasons)
        y += -(-len(lane) // ACROSS) * (HIGH + GAP)
    for i, text in enumerate(LEGEND_WORDS):
        write(pen, (MARGIN, y + 6 + 16 * i), text, QUIET, size=11, anchor="la")
    return page


def thirds(state: Any) -> dict[str, str]:
    """Say of each stage how many heads stand in each third of the layers.

    A head counts where some kind of the stage finds it a candidate or better. The first of
    three equal parts of n layers are the layers below n/3, as the survey's figure 8 counts.
    """
    n_layers = int(state.model.get("n_layers", 1))
    stage_of = {card["name"]: card["stage"] for card in state.kinds}
    heads: dict[str, set[Head]] = {stage: set() for stage in STAGES}
    for name, head in _standing(state):
        heads[stage_of[name]].add(head)
    out = {}
    for stage, found in heads.items():
        counts = [0, 0, 0]
        for head in found:
            counts[3 * head.layer // n_layers] += 1
        parts = zip(("first", "middle", "last"), counts, strict=True)
        out[stage] = "thirds of the layers: " + ", ".join(f"{name} {n}" for name, n in parts)
    return out


def _standing(state: Any) -> Iterator[tuple[str, Head]]:
    """Yield each kind and head that is a candidate of it, or better."""
    if not state.roles:
        return
    codes = unpack(state.roles, state.roles_data)["verdict"]
    least = state.roles["verdicts"].index(CANDIDATE)
    names = list(state.roles["kinds"])
    for row, layer, head in zip(*(codes >= least).nonzero(), strict=True):
        yield names[row], Head(int(layer), int(head))


def _card(
    pen: Any, at: tuple[int, int], card: dict[str, Any], state: Any, *, reasons: bool
) -> None:
    x, y = at
    box = (x, y, x + WIDE, y + HIGH)
    found = state.roles.get("kinds", {}).get(card["name"])
    best = found["best"][0] if found and found["best"] else None
    picked = best is not None and best["head"] == state.selection
    strong = best is not None and best["verdict"] == CONSISTENT
    pen.rectangle(box, fill="white" if best else PALE, outline=PICKED if picked else LINE)
    if card["claim"] != CLAIMABLE and not picked:
        _dash(pen, box)
    if strong:
        pen.rectangle((x, y, x + 3, y + HIGH), fill=INK)
    pen.rectangle((x + 6, y + 6, x + 19, y + 19), outline=QUIET)
    write(pen, (x + 13, y + 13), LETTERS[card["evidence"]], INK, size=10, anchor="mm")
    write(pen, (x + 26, y + 13), card["name"], INK, size=12, anchor="lm")
    head, more = _lines(found, best)
    more = more if best or reasons else ""
    weak = best is None or best["verdict"] not in (CONSISTENT, CANDIDATE) or found["stale"]
    for text, ink, down in ((head, QUIET if weak else INK, 31), (more, QUIET, 46)):
        write(pen, (x + 7, y + down), _cut(text, WIDE - 14), ink, size=11, anchor="lm")


def _lines(found: dict[str, Any] | None, best: dict[str, Any] | None) -> tuple[str, str]:
    """Return what a card says of its best head: the head, and what its score has to beat."""
    if found is None:
        return "… not measured yet", ""
    if not found["measurable"] or best is None:
        return f"– {NOT_MEASURABLE}", found["reason"]
    mark = {CONSISTENT: "●", CANDIDATE: "○"}.get(best["verdict"], "·")
    numbers = [f"null {found['null_max']:.2f}"] if found["null_max"] is not None else []
    numbers += [f"p {best['p']:.3f}"] if best["p"] is not None else []
    words = "before your edit" if found["stale"] else best["verdict"]
    return f"{mark} {best['head']}  {best['score']:.2f}  {words}", " · ".join(numbers)


def _cut(text: str, most: int) -> str:
    """Return a text that is at most so many pixels wide."""
    if written(text, 11) <= most:
        return text
    while written(f"{text}…", 11) > most:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _dash(pen: Any, box: tuple[int, int, int, int]) -> None:
    """Break a card's border: what it claims has a bound."""
    x, y, right, bottom = box
    for at in range(x + 4, right, 8):
        pen.line((at, y, at + 3, y), fill="white")
        pen.line((at, bottom, at + 3, bottom), fill="white")
    for at in range(y + 4, bottom, 8):
        pen.line((x, at, x, at + 3), fill="white")
        pen.line((right, at, right, at + 3), fill="white")
