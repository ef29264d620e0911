"""The metric's gradient at every head's z: one forward and one backward, and nothing left.

Gradients are taken with `torch.autograd.grad` with respect to z alone: no weight gets a
gradient and no flag of a weight is touched. The graph begins at block 0, where z enters
as a leaf, and is let go at the end.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from headwidgets.errors import EditDropped, HeadwidgetsError, ModelError
from headwidgets.methods.record import z_name
from headwidgets.model.explain import is_out_of_memory, out_of_memory
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headwidgets.model.engine import Engine


def gradients(
    engine: Engine, ids: Tensor, metric: Callable[[Tensor], Tensor]
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Run once and go back once.

    Parameters
    ----------
    engine : Engine
    ids : Tensor, int64, [prompt, position]
    metric : callable
        ``metric(logits)``, [prompt] of the last position's logits [prompt, vocabulary].

    Returns
    -------
    z : list of Tensor, [prompt, position, head, d_head]
        Of every layer.
    slopes : list of Tensor
        As z: the gradient of each prompt's own metric.
    metric : Tensor, [prompt]

    Raises
    ------
    EditDropped
        If the architecture does not read z where it is seen.
    ModelError
        If memory runs out.
    """
    seen: list[Tensor] = []

    def enter(z: Tensor, hook: Any = None) -> Tensor:  # noqa: ARG001 - the keyword must be there
        checkpoint()
        if not seen:  # the graph begins here
            z = z.detach().requires_grad_()
        seen.append(z)
        return z  # without this the graph would go round the tensor that is kept

    names = [z_name(layer) for layer in range(engine.facts.n_layers)]
    options = {} if engine.facts.native else {"logits_to_keep": 1}
    with engine.exclusive(), _let_go(engine), torch.enable_grad():
        device = next(engine.view.parameters()).device
        try:
            with torch.autocast(device.type, enabled=False):
                logits = engine.view.run_with_hooks(
                    ids.to(device), fwd_hooks=[(name, enter) for name in names], **options
                )
            checkpoint()
            values = metric(logits[:, -1].float())
            found: tuple[Tensor | None, ...] = torch.autograd.grad(
                values.sum(), seen, allow_unused=True
            )
        except HeadwidgetsError:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                doing = f"going back through {tuple(ids.shape)} tokens of {engine.facts.name!r}"
                raise ModelError(out_of_memory(doing)) from error
            raise
    slopes = [slope for slope in found if slope is not None]
    if len(slopes) < len(found):
        layer = next(i for i, slope in enumerate(found) if slope is None)
        message = (
            f"the logits do not depend on z of layer {layer}: {engine.facts.architecture} does not "
            "read z where it is seen, so that its gradient would mislead; sweep instead"
        )
        raise EditDropped(message)
    return [z.detach() for z in seen], slopes, values.detach()


@contextlib.contextmanager
def _let_go(engine: Engine) -> Iterator[None]:
    """Forget the last patterns afterwards: some architectures keep them, graph and all."""
    try:
        yield
    finally:
        for block in engine.view.blocks:
            if getattr(block.attn, "_pattern", None) is not None:
                block.attn._pattern = None  # noqa: SLF001 - there is no other way


def bytes_of(engine: Engine, length: int) -> int:
    """Estimate what a prompt of so many tokens holds between forward and backward, in bytes."""
    facts = engine.facts
    scores = 4 * facts.n_heads * length * length  # scores, mask, softmax, and what follows
    stream = 24 * facts.d_model * length  # the stream, q, k, v, z, both norms, the MLP inside
    size = torch.finfo(engine.weights.dtype).bits // 8
    return size * (facts.n_layers * (scores + stream) + 2 * facts.d_vocab)
