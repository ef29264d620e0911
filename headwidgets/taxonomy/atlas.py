"""Published heads: what papers and their code say which head of which model is, and beside yours.

`atlas.csv` holds one row a published fact, in the order of the taxonomy. Of several facts about
one head, the one nearest to the score of its kind comes first.
"""

from __future__ import annotations

import difflib
import io
import re
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.taxonomy.registry import Kind, find

STATUSES = ("paper", "code", "computed", "secondary")
"""How far a row was checked: stated in the paper or in what its authors published with it;
read in public code; computed from a public file of results; told by others."""
COLUMNS = ("kind", "head", "published", "measure", "status", "source")
COLUMNS_HERE = ("score", "rank", "n_heads", "verdict")

_NEEDED = ("layer", "head", "kind", "score", "verdict")
_SAME = {
    "gpt2small": "gpt2",
    "gptj": "gptj6b",
    "gptneox": "gptneox20b",
    "gptneosmall": "gptneo125m",
    "distilgpt2small": "distilgpt2",
    "metallama38b": "llama38b",
}


def atlas(model: str | None = None, kind: str | Kind | None = None) -> pd.DataFrame:
    """Look up published heads.

    Parameters
    ----------
    model : str, optional
        Only this model. ``"gpt2"``, ``"GPT-2 small"`` and ``"openai-community/gpt2"`` are one.
    kind : str or Kind, optional
        Only this kind, by its name or an alias.

    Returns
    -------
    pandas.DataFrame
        One row a published fact: model; head (``"layer.head"``, counted from 0); kind; method,
        how it was found; value, NaN where the source only names the head; measure, what the
        value is, with its unit; source, paper with arXiv number or repository; status, one of
        `STATUSES`. A low value speaks against the head. No row, if nothing was published.

    Raises
    ------
    InputError
        If no published head is of a model of this name, or if there is no such kind; the
        message gives near names.
    """
    rows = _read()
    if model is not None:
        rows = rows[rows["model"] == _model(model)]
    if kind is not None:
        rows = rows[rows["kind"] == find(kind).name]
    return rows.reset_index(drop=True)


def published(model: str, n_layers: int, n_heads: int) -> pd.DataFrame:
    """Look up the published heads of a model that may well be unknown.

    Parameters
    ----------
    model : str
        Its name, as in `atlas`.
    n_layers, n_heads : int
        Its shape.

    Returns
    -------
    pandas.DataFrame
        As `atlas` returns it; no row, if the atlas does not know the model, or lists a head that
        a model of this shape does not have: then it is another of the same name.
    """
    try:
        rows = atlas(model)
        for head in rows["head"]:
            Head.parse(head).within(n_layers, n_heads)
    except InputError:
        return _read().iloc[:0]
    return rows


def compare(frame: pd.DataFrame, model: str | None = None) -> pd.DataFrame:
    """Put a score table beside the published heads of its model.

    Parameters
    ----------
    frame : pandas.DataFrame
        Scores of every head of the model, for one kind or several: columns layer, head, kind,
        score, verdict, as `headwidgets.taxonomy.score` returns them.
    model : str, optional
        Default: the model that the table's attributes name.

    Returns
    -------
    pandas.DataFrame
        One row a published head of the kinds in the table, in the atlas' order: kind; head;
        published, its value (the first of several in the atlas), NaN if it is only named;
        measure, status, source of that value; score here; rank here among all heads, 1 = the
        highest score whatever the sign of the published value, a tie counted as the lower
        place, empty where there is no score; n_heads, heads that have a score; verdict here.
        ``attrs``: model; in_top_k, kind -> share of its published heads that are among the k
        highest scores here, NaN where nothing was measured; k, kind -> number published.

    Raises
    ------
    InputError
        If the table lacks a column or a published head, has a head twice, or names a model
        that the atlas does not know.
    """
    _check(frame)
    name = _model(_model_of(frame) if model is None else model)
    facts = _one_a_head(atlas(name))
    facts = facts[facts["kind"].isin(set(frame["kind"]))]
    table = facts.merge(_ranked(frame), on=["kind", "head"], how="left", indicator="found")
    absent = table[table["found"] != "both"]
    if len(absent):
        kind, head = absent.iloc[0][["kind", "head"]]
        message = (
            f"expected a table of all heads of {name}, but for {kind!r} it has no head {head}, "
            "which the atlas lists: give the whole table, or the model that it is of"
        )
        raise InputError(message)
    table = table[[*COLUMNS, *COLUMNS_HERE]].reset_index(drop=True)
    numbers = {kind: len(part) for kind, part in table.groupby("kind", sort=False)}
    table.attrs = {
        "model": name,
        "in_top_k": {kind: _share(table[table["kind"] == kind], k) for kind, k in numbers.items()},
        "k": numbers,
    }
    return table


@cache
def _read() -> pd.DataFrame:
    text = files("headwidgets.taxonomy").joinpath("atlas.csv").read_text(encoding="utf-8")
    rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    return rows.assign(value=pd.to_numeric(rows["value"]))


def _one_a_head(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep one fact a head and kind: the first that has a value, else the first."""
    valued = rows["value"].notna()
    kept = pd.concat([rows[valued], rows[~valued]]).drop_duplicates(["kind", "head"]).sort_index()
    return kept.rename(columns={"value": "published"})


def _ranked(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns kind, head ("layer.head") and those of `COLUMNS_HERE`, one row a head and kind."""
    scores = frame["score"].groupby(frame["kind"])
    names = [str(Head(int(x), int(y))) for x, y in zip(frame["layer"], frame["head"], strict=True)]
    return pd.DataFrame(
        {
            "kind": frame["kind"],
            "head": names,
            "score": frame["score"],
            "rank": scores.rank(ascending=False, method="max").astype("Int64"),
            "n_heads": scores.transform("count").astype(int),
            "verdict": frame["verdict"],
        }
    )


def _share(part: pd.DataFrame, k: int) -> float:
    measured = part["n_heads"].iloc[0] > 0
    return float((part["rank"] <= k).sum() / k) if measured else float("nan")


def _check(frame: pd.DataFrame) -> None:
    if not isinstance(frame, pd.DataFrame):
        message = f"expected a table of scores such as s.score('induction'), got {frame!r:.80}"
        raise InputError(message)
    lacking = [name for name in _NEEDED if name not in frame.columns]
    if lacking:
        message = f"expected a score table with the columns {_NEEDED}, this one has no {lacking}"
        raise InputError(message)
    twice = frame[frame.duplicated(["kind", "layer", "head"])]
    if len(twice):
        kind, layer, head = twice.iloc[0][["kind", "layer", "head"]]
        message = (
            f"expected each head once a kind, but for {kind!r} this table has {layer}.{head} "
            "twice: compare one table at a time"
        )
        raise InputError(message)


def _model_of(frame: pd.DataFrame) -> Any:
    """Name of the model in the attributes of a table of one kind, or of several."""
    several = frame.attrs.get("kinds", {}).values()
    for attrs in (frame.attrs, *several):
        if "model" in attrs:
            return attrs["model"]
    message = "this table does not say which model it is of: give model=, such as 'gpt2'"
    raise InputError(message)


def _model(name: object) -> str:
    """Find the atlas' spelling of a model's name."""
    if not isinstance(name, str):
        message = f"expected the name of a model such as 'gpt2', got {name!r:.80}"
        raise InputError(message)
    known = {_plain(one): str(one) for one in _read()["model"].unique()}
    asked = _plain(name[-80:])
    if asked in known:
        return known[asked]
    spellings = known | {other: known[usual] for other, usual in _SAME.items()}
    close = difflib.get_close_matches(asked, spellings, 3, 0.7)
    near = dict.fromkeys(spellings[one] for one in close)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ";"
    message = (
        f"the atlas has no published head of a model called {name!r:.80}{hint} "
        f"it knows {', '.join(known.values())}"
    )
    raise InputError(message)


def _plain(name: str) -> str:
    """Owner, case, signs and the ending -hf do not matter: ``openai-community/gpt2`` is gpt2."""
    letters = re.sub(r"[\W_]+", "", re.split(r"[/\\]", name.rstrip("/\\"))[-1].lower())
    letters = letters.removesuffix("hf")
    return _SAME.get(letters, letters)
