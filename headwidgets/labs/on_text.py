"""What a head does on text: its winning cases, each classed as the paper does.

Gould et al. 2023 (arXiv 2312.09230, section 5) find successor heads interpretably polysemantic: in
128 contexts of the Pile 23.8 % of the winning cases are acronyms and 18.9 % greater-than; in
numbered lists the head wins in 64 of 64. What a winning case is, see `winning`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.labs.contexts import contexts
from headwidgets.labs.sets import engine_of
from headwidgets.labs.watched import watched
from headwidgets.labs.winning import measured
from headwidgets.labs.winning_classes import CLASSES, classed
from headwidgets.model.work import keeping
from headwidgets.tasks.make import task
from headwidgets.tasks.series import SETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.labs.winning import Seen
    from headwidgets.model.engine import Engine

ATTENDED = 5
LISTS = 64
_SHOWN = 24  # tokens of context
_FRAMES = ("In order:", "The list goes", "They count:", "Now:")


class _Case(NamedTuple):
    """One position of one text."""

    prompt: int
    position: int
    effect: float
    next: str
    kind: str
    because: str
    runner_up: str
    runner_up_effect: float
    context: str
    attended: str


_COLUMNS = tuple("class" if name == "kind" else name for name in _Case._fields)


def on_text(session: Any, head: object, texts: Any = None) -> pd.DataFrame:
    """Find a head's winning cases in texts, and class each.

    The classes, asked in this order of the tokens that the head attends to most (``<bos>`` left
    out, which is ours), by their text without spaces:

    - successorship: the next token is the next member of one of the first five, in one of the
      eight sets;
    - acronym: the next token is capital letters (at least two, or the rest of such a word), and
      its last letter begins the first of the five;
    - copying: the next token is among the five;
    - greater-than: it is a later member of the set of one of the five.

    Parameters
    ----------
    session : Session or Engine
    head : Head or what stands for one
    texts : str, list of str, Prompts or TaskSet, optional
        None: the session's clean prompts. A text of more than 128 tokens is cut into contexts.

    Returns
    -------
    DataFrame
        One row a winning case, the largest effect first: prompt (which context: a long text is
        several, one of a single token none), position, effect (logits that the next token loses),
        next, class, because (the attended token that the
        class is due to), runner_up and runner_up_effect (the next head), context (the text up to
        there), attended (the five tokens with their attention). ``attrs``: head, n (positions
        with a next token, ``<bos>`` left out), wins, texts, looks (of each row the context's
        tokens and the attention to each).

    Raises
    ------
    InputError
        If there is no such head, or no text of two tokens.
    Cancelled
        If it was cancelled; ``partial`` on the error are the cases of the texts that are done.
    """
    engine = engine_of(session)
    which = Head.parse(head).within(engine.facts.n_layers, engine.facts.n_heads)
    return _cases(engine, which, contexts(session, engine, texts), None)


def shares(cases: pd.DataFrame) -> pd.DataFrame:
    """Count the classes of winning cases.

    Parameters
    ----------
    cases : DataFrame
        Of `on_text` or `numbered_lists`.

    Returns
    -------
    DataFrame
        One row a class, in the order in which they are asked: class, n, share, low, high (95 %,
        Wilson 1927), paper (what Gould et al. report for Pythia-1.4B on the Pile, NaN where the
        sources at hand give none).
    """
    if "class" not in getattr(cases, "columns", ()):
        message = f"expected the frame of winning cases that on_text returns, got {cases!r:.80}"
        raise InputError(message)
    n = np.array([(cases["class"] == one).sum() for one in CLASSES])
    low, high = wilson(n, len(cases))
    share = n / len(cases) if len(cases) else np.full(len(n), np.nan)
    paper = [np.nan, 0.238, np.nan, 0.189, np.nan]
    columns = {"class": CLASSES, "n": n, "share": share, "low": low, "high": high, "paper": paper}
    return pd.DataFrame(columns)


def numbered_lists(session: Any, head: object, n: int = LISTS, seed: int = 0) -> pd.DataFrame:
    """Ask at the next number of numbered lists alone: the paper's clean case.

    Parameters
    ----------
    session : Session or Engine
    head : Head or what stands for one
    n, seed : int
        Lists of `hw.task("numbered lists")`, and their seed.

    Returns
    -------
    DataFrame
        As `on_text`; ``attrs`` also have share, low and high: of the lists that the head wins.

    Raises
    ------
    InputError
        If there is no such head, or the lists cannot be spelled.

    References
    ----------
    Gould et al. 2023: 64 of 64.
    """
    engine = engine_of(session)
    which = Head.parse(head).within(engine.facts.n_layers, engine.facts.n_heads)
    prompts = task("numbered lists", n, seed=seed).prompts(engine.text, engine.facts.n_ctx)
    rows, places = [], []
    for clean, answer in zip(prompts.clean, prompts.answer or (), strict=True):
        ids = engine.text.encode(clean) if isinstance(clean, str) else list(clean)
        rows.append([*ids, engine.text.answer_id(ids, answer)])
        places.append(len(ids) - 1)
    cases = _cases(engine, which, rows, places)
    low, high = wilson(np.array([len(cases)]), len(rows))
    attrs = {"share": len(cases) / len(rows), "low": float(low[0]), "high": float(high[0])}
    cases.attrs |= attrs
    return cases


def of_pair(name: str, member: str) -> list[str]:
    """Write texts in which a member is followed by the next one of its set.

    Parameters
    ----------
    name : str
        Of a set, such as ``"days"``.
    member : str

    Returns
    -------
    list of str
        None, if nothing follows it.

    Raises
    ------
    InputError
        If there is no such set or member.
    """
    if name not in list(SETS) or member not in list(SETS[name][0]):
        message = f"expected a set and one of its members, got {name!r:.40} and {member!r:.40}"
        raise InputError(message)
    members, cyclic = SETS[name]
    at = members.index(member)
    if at + 1 == len(members) and not cyclic:
        return []
    after = members[(at + 1) % len(members)]
    before = members[at - 1] if at or cyclic else None
    start = "" if before is None else f" {before},"
    return [f"{frame}{start} {member}, {after}" for frame in _FRAMES]


def wilson(count: NDArray[np.int64], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 95 % interval of shares, by Wilson's score; NaN of nothing."""
    if n == 0:
        nothing = np.full(len(count), np.nan)
        return nothing, nothing
    z2, share = 1.959964**2, count / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.maximum(0, middle - half), np.minimum(1, middle + half)


def _cases(
    engine: Engine, head: Head, rows: Sequence[Sequence[int]], places: list[int] | None
) -> pd.DataFrame:
    """Class a head's winning cases, at one place of each row or at all."""
    found: list[tuple[_Case, dict[str, Any]]] = []
    state = {"n": 0, "texts": 0}

    def frame() -> pd.DataFrame:
        ranked = sorted(found, key=lambda one: -one[0].effect)
        made = pd.DataFrame([case for case, _ in ranked], columns=list(_COLUMNS))
        looks = [look for _, look in ranked]
        made.attrs |= {"head": str(head), "wins": len(made), "looks": looks, **state}
        return made

    with watched("winning cases"), keeping(frame):
        for seen in measured(engine, rows, head):
            row = rows[seen.row]
            pieces = engine.text.pieces(list(row))
            bos = row[0] == engine.text.bos_id
            at = range(int(bos), len(row) - 1) if places is None else [places[seen.row]]
            for position in at:
                case = _case(seen, position, pieces, head, bos=bos)
                if case is not None:
                    found.append((case, _look(seen, position, pieces)))
            state["n"] += len(at)
            state["texts"] += 1
    return frame()


def _case(seen: Seen, at: int, pieces: Sequence[str], head: Head, *, bos: bool) -> _Case | None:
    """Return the winning case of a position, if it is one."""
    effects = seen.effects[..., at].copy()
    effect = float(effects[head])
    effects[head] = -np.inf
    best = np.unravel_index(int(effects.argmax()), effects.shape)
    if effect <= 0 or effect <= effects[best]:
        return None
    looks = seen.pattern[at, : at + 1].copy()
    if bos:
        looks[0] = -1
    first = [int(key) for key in np.argsort(-looks, kind="stable")[:ATTENDED] if looks[key] > 0]
    kind, because = classed(pieces, at, first)
    attended = ", ".join(f"{pieces[key].strip() or '␣'} {looks[key]:.2f}" for key in first)
    context = "".join(pieces[max(1 if bos else 0, at + 1 - _SHOWN) : at + 1])
    return _Case(
        *(seen.row, at, effect, pieces[at + 1], kind, because),
        *(_named(best, effects[best]), float(effects[best]), context, attended),
    )


def _look(seen: Seen, at: int, pieces: Sequence[str]) -> dict[str, Any]:
    """Return the tokens up to a position, and the attention to each."""
    start = max(0, at + 1 - _SHOWN)
    shares = [round(float(one), 4) for one in seen.pattern[at, start : at + 1]]
    return {"tokens": list(pieces[start : at + 1]), "shares": shares}


def _named(head: Any, effect: float) -> str:
    """Name the next head, if there is one that the token leans on at all."""
    return f"{head[0]}.{head[1]}" if effect > 0 else ""
