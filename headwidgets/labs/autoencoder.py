"""A sparse autoencoder on what the first MLP makes of numbers, and its features for the last digit.

``f = ReLU(W_e x + b_e)``, ``x' = W_d f + b_d``, trained on ``|x - x'|² + λ |f|₁`` with decoder
columns of length one (Gould et al. 2023, arXiv 2312.09230, section 3; 512 features and λ = 0.3 are
from memory). Ours are: the centre and the scale (a mean square of 1 an entry that varies), the
optimizer, the number of steps, and that the weights kept are those that explained the most of
numbers held out, since longer training learns two hundred numbers by heart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.labs.residues import NUMBERS, RESIDUES, features, fit, indices, is_number
from headwidgets.labs.sets import engine_of, known_set
from headwidgets.labs.watched import watched
from headwidgets.model.work import checkpoint, keeping
from headwidgets.whole import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.taxonomy.successors import Known

FEATURES, PENALTY, STEPS = 512, 0.3, 3000
_RATE, _HELD, _LEAST_STEPS = 1e-3, 0.1, 1
_EVERY = 100  # steps between two looks at whether to go on


class Autoencoder(NamedTuple):
    """What was trained, and how well it does.

    Attributes
    ----------
    encoder : Tensor, [feature, d_model]
    encoder_bias : Tensor, [feature]
    decoder : Tensor, [feature, d_model]
        Rows of length one.
    decoder_bias : Tensor, [d_model]
    centre, scale : Tensor, [d_model] and []
        What is taken off a representation, and what it is divided by.
    history : DataFrame
        step, loss, explained (share of the variance of numbers held out), active (features a
        number, mean), dead (features that no number activates). ``attrs["kept"]``: the step whose
        weights these are, the one that explains the most; 0, before any step, only if it was
        stopped before another was looked at.
    variant : str
        Of what it was trained on.
    """

    encoder: Tensor
    encoder_bias: Tensor
    decoder: Tensor
    decoder_bias: Tensor
    centre: Tensor
    scale: Tensor
    history: pd.DataFrame
    variant: str

    def active(self, embedded: Tensor) -> Tensor:
        """Return the features of representations, [row, feature], none below 0."""
        rows = (embedded - self.centre) / self.scale
        return torch.relu(rows @ self.encoder.T + self.encoder_bias)


def train(
    session: Any,
    *,
    n: int = FEATURES,
    penalty: float = PENALTY,
    steps: int = STEPS,
    seed: int = 0,
    variant: str = "normed",
) -> Autoencoder:
    """Train an autoencoder on the numbers that a tokenizer spells.

    Parameters
    ----------
    session : Session or Engine
    n : int
        Features.
    penalty : float
        λ, from 0.
    steps : int
        Of Adam, all numbers but a tenth at once.
    seed : int
    variant : see `headwidgets.labs.succession.scores`

    Returns
    -------
    Autoencoder
        Whatever stops it early has what was learned as its ``partial``.

    Raises
    ------
    InputError
        If a number is out of range.
    NotMeasurable
        If numbers are not spelled, all features have died, or nothing of the numbers held out is
        explained; what was learned is its ``partial``.
    """
    count, length, number = whole(n), whole(steps), whole(seed)
    wrong = count is None or count < RESIDUES or length is None or length < _LEAST_STEPS
    if wrong or number is None or not (is_number(penalty) and 0 <= penalty < float("inf")):
        message = (
            f"expected at least {RESIDUES} features, a step, a penalty from 0 and a whole seed, "
            f"got n={n!r:.20}, steps={steps!r:.20}, penalty={penalty!r:.20}, seed={seed!r:.20}"
        )
        raise InputError(message)
    assert count is not None  # noqa: S101 - read above
    assert length is not None  # noqa: S101 - read above
    work = _Training(known_set(engine_of(session), NUMBERS, variant), count, penalty, number)
    with watched("autoencoder"), keeping(work.made):
        for step in range(length):
            if step % _EVERY == 0:
                work.note(step)
                checkpoint(step, length, "steps")
            work.step()
        work.note(length)
        made = work.made()
        _check_alive(made.history, count, penalty)
    return made


def _check_alive(history: pd.DataFrame, n: int, penalty: float) -> None:
    """Raise NotMeasurable of features that say nothing."""
    dead, explained = int(history["dead"].iloc[-1]), float(history["explained"][1:].max())
    if dead == n:
        message = f"all {n} features have died: choose a smaller penalty than {penalty:g}"
        raise NotMeasurable(message)
    if not explained > 0:
        message = (
            f"nothing of the numbers held out is explained ({explained:.3f} at best), {dead} of "
            f"{n} features have died: choose a smaller penalty than {penalty:g}, or more steps"
        )
        raise NotMeasurable(message)


class _Training:
    """An autoencoder under way."""

    def __init__(self, known: Known, n: int, penalty: float, seed: int) -> None:
        embedded, self._variant = known.embedded, known.variant
        random = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(embedded), generator=random)
        held = max(1, int(_HELD * len(embedded)))
        self.centre = embedded.mean(0)
        spread = (embedded - self.centre).square().mean(0)
        self.scale = spread[spread > 0].mean().sqrt() if bool(spread.any()) else torch.tensor(1.0)
        rows = (embedded - self.centre) / self.scale
        self._held, self._rows, self._penalty = rows[order[:held]], rows[order[held:]], penalty
        d_model = embedded.shape[1]
        decoder = torch.randn(n, d_model, generator=random)
        decoder /= decoder.norm(dim=1, keepdim=True)
        parts = decoder.clone(), torch.zeros(n), decoder, torch.zeros(d_model)
        self._parts = [part.requires_grad_() for part in parts]
        self._steps = torch.optim.Adam(self._parts, lr=_RATE)
        self._history: list[tuple[int, float, float, float, int]] = []
        self._best, self._kept = -float("inf"), [part.detach().clone() for part in self._parts]

    def _loss(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        encoder, bias, decoder, shift = self._parts
        active = torch.relu(rows @ encoder.T + bias)
        off = (active @ decoder + shift - rows).square().sum(1)
        return (off + self._penalty * active.sum(1)).mean(), off, active

    def step(self) -> None:
        with torch.enable_grad():
            loss, _, _ = self._loss(self._rows)
            self._steps.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._steps.step()
        with torch.no_grad():
            self._parts[2] /= self._parts[2].norm(dim=1, keepdim=True).clamp(min=1e-12)

    def note(self, step: int) -> None:
        with torch.no_grad():
            loss, _, active = self._loss(self._rows)
            _, off, _ = self._loss(self._held)
            explained = 1 - float(off.sum() / self._held.square().sum())
            alive = active > 0
            found = float(alive.float().sum(1).mean()), int((~alive.any(0)).sum())
        self._history.append((step, float(loss), explained, *found))
        if step and explained > self._best:  # at 0 nothing is trained
            self._best, self._kept = explained, [part.detach().clone() for part in self._parts]

    def made(self) -> Autoencoder:
        columns = ["step", "loss", "explained", "active", "dead"]
        encoder, bias, decoder, shift = self._kept
        history = pd.DataFrame(self._history, columns=columns)
        if len(history):
            trained = history[1:] if len(history) > 1 else history
            history.attrs["kept"] = int(history["step"][trained["explained"].idxmax()])
        parts = encoder, bias, decoder, shift, self.centre, self.scale
        return Autoencoder(*parts, history, self._variant)


def chosen(found: Autoencoder, embedded: Tensor, residue: NDArray[np.int64]) -> list[int]:
    """Return the feature of each residue: the one with the most contrast on rows [row, d_model]."""
    active = found.active(embedded).detach().numpy()
    contrasts = (
        active[residue == one].mean(0) - active[residue != one].mean(0) for one in range(RESIDUES)
    )
    return [int(contrast.argmax()) for contrast in contrasts]


def classes(session: Any, found: Autoencoder, variant: str = "normed") -> pd.DataFrame:
    """Find the feature of each last digit: the one with the most contrast.

    Parameters
    ----------
    session : Session or Engine
    found : Autoencoder
    variant : see `headwidgets.labs.succession.scores`

    Returns
    -------
    DataFrame
        One row a residue: residue, feature, contrast (mean activation on its numbers less the mean
        on all others), coverage (share of its numbers on which the feature is active), elsewhere
        (share of the other numbers), modal (share of its numbers on which it is the most active
        of all, as the paper counts; features of tens often are), cosine (of the decoder's row with
        the mass-mean direction, see `headwidgets.labs.residues.features`), probe (its cosine with
        the row of a probe of all numbers, see `headwidgets.labs.residues.fit`).

    References
    ----------
    Gould et al. 2023: the modal feature covers 58.5 % of a class; the mean cosine with a probe's
    rows is .708.
    """
    engine = engine_of(session)
    known = known_set(engine, NUMBERS, variant)
    residue = indices(known) % RESIDUES
    active = found.active(known.embedded).detach().numpy()
    most = active.argmax(1)
    alike, probed = (
        torch.nn.functional.cosine_similarity(found.decoder[:, None], one[None], dim=-1).numpy()
        for one in (features(engine, NUMBERS, variant), fit(known.embedded, residue).weights)
    )
    rows = []
    for one, best in enumerate(chosen(found, known.embedded, residue)):
        mine, level = residue == one, active[:, best]
        on, contrast = level > 0, float(level[mine].mean() - level[~mine].mean())
        numbers = contrast, float(on[mine].mean()), float(on[~mine].mean())
        modal, cosines = float(np.mean(most[mine] == best)), (alike[best, one], probed[best, one])
        rows.append((one, best, *numbers, modal, *cosines))
    names = ("residue", "feature", "contrast", "coverage", "elsewhere", "modal", "cosine", "probe")
    return pd.DataFrame(rows, columns=list(names))
