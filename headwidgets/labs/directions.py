"""What is added in arithmetic: a direction for each last digit, from one of three sources.

Gould et al. 2023 (arXiv 2312.09230) call the features of their autoencoder f, decoder columns of
length one, and find by hand how much of them to add (k). Class means and a probe's rows are ours,
and so is the length of all three: as far as the mean of a digit's own members lies along the
direction. At k = 1 an edit then takes away what members with the one digit have of its direction on
average, and adds what those with the other have of theirs, whatever the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from headwidgets.errors import InputError
from headwidgets.labs.autoencoder import Autoencoder, chosen
from headwidgets.labs.residues import NUMBERS, RESIDUES, features, fit, indices
from headwidgets.labs.sets import engine_of, known_set

if TYPE_CHECKING:
    from torch import Tensor

SOURCES = ("mean", "probe")
"""Those with a name; an autoencoder is the third."""


def directions(
    session: Any, source: Any = "mean", *, of: str = NUMBERS, variant: str = "normed"
) -> Tensor:
    """Return a direction for each residue.

    Parameters
    ----------
    session : Session or Engine
    source : {"mean", "probe"}, Autoencoder or Tensor
        ``"mean"`` (ours): the mean of a residue's members less the mean of all residues;
        ``"probe"`` (ours): the rows of a ten-way linear probe; an autoencoder that
        `headwidgets.labs.autoencoder.train` returned (the paper's source): the decoder's rows of
        the features that `headwidgets.labs.autoencoder.classes` names; or directions of your own,
        [residue, d_model], which are returned as they are.
    of : str
        The set that they are taken from; an autoencoder was trained on numbers.
    variant : see `headwidgets.labs.succession.scores`

    Returns
    -------
    Tensor, float32, [residue, d_model]
        Each as long as the mean of its own members, less the mean of all, lies along it.

    Raises
    ------
    InputError
        If there is no such source, set or variant, or the autoencoder was trained on another
        variant or model width, or is to be read on another set.
    NotMeasurable
        If a residue has no member, or the set is not spelled.
    """
    engine = engine_of(session)
    if isinstance(source, torch.Tensor):
        wanted = (RESIDUES, engine.weights.W_U.shape[0])
        if tuple(source.shape) != wanted or not bool(source.isfinite().all()):
            message = f"expected finite directions {wanted}, got shape {tuple(source.shape)}"
            raise InputError(message)
        return source.detach().float().cpu()
    trained = isinstance(source, Autoencoder)
    if not trained and (not isinstance(source, str) or source not in SOURCES):
        message = f"expected source 'mean', 'probe' or a trained autoencoder, got {source!r:.80}"
        raise InputError(message)
    mean = features(engine, of, variant)
    if source == "mean":
        return mean
    known = known_set(engine, of, variant)
    residue = indices(known) % RESIDUES
    if not trained:
        along = fit(known.embedded, residue).weights
    else:
        _check_fits(source, of, variant, mean.shape[1])
        along = source.decoder[chosen(source, known.embedded, residue)]
    unit = torch.nn.functional.normalize(along, dim=-1)
    return (mean * unit).sum(-1, keepdim=True) * unit


def _check_fits(source: Autoencoder, of: str, variant: str, d_model: int) -> None:
    trained_on = source.variant, NUMBERS, source.decoder.shape[1]
    if trained_on != (variant, of, d_model):
        message = (
            "expected an autoencoder of {!r}, read on {!r}, width {}; ".format(*trained_on)
            + f"got variant {variant!r}, set {of!r:.40}, width {d_model}"
        )
        raise InputError(message)
