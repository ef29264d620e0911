"""Whether the first head on random tokens is also the first on text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.heads import Head
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT

if TYPE_CHECKING:
    import pandas as pd


def first(frame: pd.DataFrame) -> tuple[Head, float] | None:
    """Head with the highest score and that score, None where nothing was measured."""
    known = frame["score"].dropna()
    if known.empty:
        return None
    top = frame.loc[known.idxmax()]
    return Head(int(top["layer"]), int(top["head"])), float(top["score"])


def agreement(on_random: pd.DataFrame, on_text: pd.DataFrame) -> str:
    """Say which head comes first on random tokens and which on text.

    Parameters
    ----------
    on_random, on_text : pandas.DataFrame
        Score tables of one kind.

    Returns
    -------
    str
        ``"first on random tokens: 3.6 (0.745); first on your text: 1.3 (0.698): they
        differ"``.
    """
    random, text = first(on_random), first(on_text)
    said = f"first on random tokens: {say(random)}; first on your text: {say(text)}"
    if random is None or text is None:
        return said
    return f"{said}: {'they agree' if random[0] == text[0] else 'they differ'}"


def note_agreement(on_random: pd.DataFrame, on_text: pd.DataFrame) -> None:
    """Write the agreement into the first table: its attributes and, if they differ, reasons.

    The reason stands at both heads, the first on random tokens and the first on text, where
    either table says more of the head than "no".
    """
    random, text = first(on_random), first(on_text)
    said = agreement(on_random, on_text)
    on_random.attrs |= {
        "first_on_random": say(random),
        "first_on_text": say(text),
        "agreement": said,
        "text": on_text.attrs.get("measured_on", ""),
    }
    if random is None or text is None or random[0] == text[0]:
        return
    for head, _ in (random, text):
        here = (on_random["layer"] == head.layer) & (on_random["head"] == head.head)
        verdicts = {*on_random.loc[here, "verdict"], *on_text.loc[here, "verdict"]}
        if verdicts & {CONSISTENT, CANDIDATE}:
            on_random.loc[here, "reason"] += f"; {said}"


def say(found: tuple[Head, float] | None) -> str:
    """Write what `first` found: ``"3.6 (0.745)"``."""
    return "not measurable" if found is None else f"{found[0]} ({found[1]:.3f})"
