"""The survey's other reading of probing: a classifier over heads, across models.

Zheng et al. 2024 (arXiv 2409.03752, section 4.2) count as probing also a classifier that tells
kinds of heads apart. Here it reads each head's features, learns what several models' heads were
found to be, and is judged on a model that it has not seen.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.held_out import LOGISTIC, SCIKIT
from headwidgets.methods.options import read_seed
from headwidgets.session.classified import require_session
from headwidgets.session.classified_kinds import How, classified
from headwidgets.session.session import Session
from headwidgets.taxonomy.head_features import feature_names
from headwidgets.taxonomy.registry import find_several
from headwidgets.taxonomy.verdict import DRAWS, LEAST_DRAWS
from headwidgets.whole import whole

if TYPE_CHECKING:
    from headwidgets.session.classified import HeadClassifier


def classify_heads(
    sessions: Iterable[Any] | Mapping[str, Any],
    kinds: str | Iterable[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    how: str = LOGISTIC,
) -> HeadClassifier:
    """Learn from several models' confirmed heads what heads of a kind look like. Exploratory.

    Every head is described by its attention, z and weights (`Session.head_features`) and labelled
    by its verdict (`Session.confirmed_heads`); a logistic classifier for each kind is fitted on
    all models but one and judged on that one, for each in turn.

    Parameters
    ----------
    sessions : iterable or mapping of str to sessions
        At least two, of different models. A name or a folder is opened, and closed again.
    kinds : str or iterable of str, optional
        Of `hw.kinds`; default: all that a session scores without intervening on every head, and
        those whose scores are held. Kinds that were not scored yet are.
    draws : int
        Times that labels are permuted within every model, and within every layer of it, at least
        200.
    seed : int
        Of the draws.
    how : {"logistic", "scikit-learn"}
        Both minimise the same: ridge penalty, C = 1; scikit-learn is an extra, and slower.

    Returns
    -------
    HeadClassifier
        Its ``frame`` has one row a kind: models, that could be judged, those with heads of both
        sides, the rest of them too; n_positive and n, heads in all; auc, the share of pairs of a
        head of the kind and another that are in order, balanced and accuracy, means over the
        models left out; majority, the accuracy of calling every head what most are; depth_auc,
        that of the head's depth alone; null_mean and null_max, of auc over draws, and p, the share
        of draws (the found one among them) that reach it; p_corrected, over kinds (Holm 1979);
        in_layer_mean, p_in_layer and p_in_layer_corrected, the same with labels permuted among the
        heads of one layer of one model alone: heads of one depth look alike, and p does not know
        it; told_by; reason, why there is no number. ``by_model`` has one row a kind and model,
        ``heads()`` what was said of every head, ``predict(session)`` says it of any model.

    Raises
    ------
    InputError
        If there are fewer than two models, one twice, or something that is none; if no kind has
        confirmed heads in two of them; if an option is out of range.

    Notes
    -----
    Nothing here is a verdict. Kinds whose evidence is attention are defined by what the features
    show, so that they are told apart by a reading of their own score; how much of it carries over
    to a new model is what is measured. Models that were made alike (planted ones, checkpoints of
    a run) tell less than models that were not.

    Examples
    --------
    >>> import headwidgets as hw
    >>> from headwidgets.zoo.planted import planted_decoys
    >>> two = [hw.Session("planted"), hw.Session(planted_decoys())]
    >>> found = hw.classify_heads(two, ["previous token", "induction"], draws=200)
    >>> found.frame[["kind", "models", "auc"]]
                 kind  models  auc
    0  previous token       2  1.0
    1       induction       2  1.0
    """
    asked = How(_how(how), _draws(draws), read_seed(seed))
    wanted = None if kinds is None else [kind.name for kind in find_several(kinds)]
    with contextlib.ExitStack() as stack:
        held = _opened(sessions, stack)
        hashes = _different(held)
        stack.enter_context(next(iter(held.values()))._asking("classifying heads"))  # noqa: SLF001 - one bar for all
        tables: list[pd.DataFrame] = []
        features: tuple[str, ...] = ()
        for name, session in held.items():
            found = session.head_features()
            features = tuple(feature_names(found))
            labels = session.confirmed_heads(wanted)[["kind", "layer", "head", "confirmed"]]
            table = labels.merge(found, on=["layer", "head"])
            table.insert(0, "model", name)
            table.attrs = {}
            tables.append(table)
        whole_table = pd.concat(tables, ignore_index=True)
        return classified(whole_table, features, dict(zip(hashes, held, strict=True)), asked)


def _opened(given: Any, stack: contextlib.ExitStack) -> dict[str, Session]:
    """Return sessions by names that tell them apart; those that are opened here are closed."""
    if isinstance(given, Session | str | PurePath) or not isinstance(given, Iterable):
        message = f"expected at least two sessions, as a list or by name, got {given!r:.80}"
        raise InputError(message)
    named = given.items() if isinstance(given, Mapping) else [(None, one) for one in given]
    out: dict[str, Session] = {}
    seen: Counter[str] = Counter()
    for name, one in named:
        session = one
        if isinstance(one, str | PurePath):
            session = Session(one)
            stack.callback(session.close)
        require_session(session)
        base = session.facts.name if name is None else str(name)
        seen[base] += 1
        out[base if seen[base] == 1 else f"{base} ({seen[base]})"] = session
    if len(out) < 2:  # noqa: PLR2004 - one to learn from, one to be judged on
        message = f"expected at least two models, for one is left out, got {len(out)}"
        raise InputError(message)
    return out


def _different(held: Mapping[str, Session]) -> list[str]:
    """Return the hash of each model's weights, or refuse one that comes twice.

    Raises
    ------
    InputError
    """
    known: dict[str, str] = {}
    for name, session in held.items():
        hashed = session.engine.weight_hash()
        if hashed in known:
            message = (
                f"{known[hashed]} and {name} have the same weights: the one would be judged on "
                "what the other was fitted to"
            )
            raise InputError(message)
        known[hashed] = name
    return list(known)


def _how(how: Any) -> str:
    if how not in (LOGISTIC, SCIKIT):
        message = f"expected how as {LOGISTIC!r} or {SCIKIT!r}, got {how!r:.80}"
        raise InputError(message)
    return str(how)


def _draws(draws: Any) -> int:
    found = whole(draws)
    if found is None or found < LEAST_DRAWS:
        message = f"expected at least {LEAST_DRAWS} draws, got draws={draws!r:.40}"
        raise InputError(message)
    return found
