"""Random tokens that repeat once, and control rows that do not.

Meaning cannot help on such rows, so what a head does there it does by position and
identity of tokens alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import InputError, NotMeasurable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headwidgets.model.engine import Engine

LENGTH = 50
ROWS = 16
_SHORTEST = 3  # with blocks of two, "after the earlier copy" is the previous token


@dataclass(frozen=True)
class Rows:
    """Rows of tokens to measure on.

    Attributes
    ----------
    ids : tuple of tuple of int
        Token ids, one row each; rows may differ in length.
    first : tuple of int
        For each row, its first position after a beginning-of-sequence token.
    words : str
        What they are: ``"random tokens, 16 × 2 × 50"``.
    counted : str
        What one row is, for the column n.
    control : tuple of tuple of int
        Rows of the same shape in which nothing repeats; empty for text.
    period : int or None
        Length of the repeated block.
    """

    ids: tuple[tuple[int, ...], ...]
    first: tuple[int, ...]
    words: str
    counted: str
    control: tuple[tuple[int, ...], ...] = ()
    period: int | None = None


def random_rows(
    engine: Engine,
    *,
    ids: Iterable[int] | None = None,
    length: int | None = None,
    rows: int = ROWS,
    seed: int = 0,
) -> Rows:
    """Draw rows [BOS, x, x] and their controls [BOS, x, y].

    x is drawn without replacement, a new one for each row. y takes tokens that are not in x
    as far as the pool reaches. There is no BOS where the model puts none.

    Parameters
    ----------
    engine : Engine
    ids : iterable of int, optional
        Pool of token ids; by default whole words with a leading space.
    length : int, optional
        Tokens in x; by default 50, less where the context or the pool is smaller.
    rows, seed : int

    Raises
    ------
    InputError
        If `ids`, `length` or `rows` cannot be used on this model.
    NotMeasurable
        If the model's context or vocabulary is too small for a block of three tokens.
    """
    if rows < 1:
        message = f"expected at least one row of random tokens, got rows={rows}"
        raise InputError(message)
    text = engine.text
    bos = [text.bos_id] if text.prepend_bos and text.bos_id is not None else []
    pool = _pool(engine, ids)
    count = _length(length, engine.facts.n_ctx, len(pool))
    generator = np.random.default_rng(seed)
    repeated, control = [], []
    for _ in range(rows):
        drawn = generator.permutation(pool)
        x, rest = drawn[:count].tolist(), drawn[count:].tolist()
        y = (rest + generator.permutation(x).tolist())[:count]
        repeated.append((*bos, *x, *x))
        control.append((*bos, *x, *y))
    return Rows(
        ids=tuple(repeated),
        first=(len(bos),) * rows,
        words=f"random tokens, {rows} × 2 × {count}",
        counted="rows of random tokens",
        control=tuple(control),
        period=count,
    )


def text_rows(engine: Engine, rows: Sequence[Sequence[int]]) -> Rows:
    """Take rows of token ids as they are, for example the session's own prompts.

    Raises
    ------
    InputError
        If there is no row, or a row is empty.
    """
    ids = tuple(tuple(int(i) for i in row) for row in rows)
    if not ids or not all(ids):
        message = f"expected at least one row of token ids and no empty row, got {len(ids)} rows"
        raise InputError(message)
    first = tuple(int(row[0] == engine.text.bos_id) for row in ids)
    shortest, longest = min(map(len, ids)), max(map(len, ids))
    size = f"{longest}" if shortest == longest else f"{shortest} to {longest}"
    words = f"your text, {len(ids)} × {size} tokens"
    return Rows(ids=ids, first=first, words=words, counted="prompts with a target")


def _pool(engine: Engine, ids: Iterable[int] | None) -> list[int]:
    bos, size = engine.text.bos_id, engine.facts.d_vocab
    given = engine.text.word_ids() if ids is None else [int(i) for i in ids]
    bad = next((i for i in given if not 0 <= i < size), None)
    if bad is not None:
        message = f"expected ids from 0 to {size - 1} for random tokens, got {bad}"
        raise InputError(message)
    return [i for i in dict.fromkeys(given) if i != bos]


def _length(length: int | None, n_ctx: int, pool: int) -> int:
    """T = min(50, (n_ctx - 1) // 2, usable ids), or what was asked for if it fits."""
    most = min((n_ctx - 1) // 2, pool)
    if length is not None and not _SHORTEST <= length <= most:
        message = (
            f"expected a block of {_SHORTEST} to {most} random tokens (context {n_ctx}, "
            f"{pool} usable ids), got length={length}"
        )
        raise InputError(message)
    if most < _SHORTEST:
        message = f"a context of {n_ctx} tokens and {pool} usable ids hold no repeated block"
        raise NotMeasurable(message)
    return min(LENGTH, most) if length is None else length
