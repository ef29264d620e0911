"""A model of a run, as it was at a step, in a session of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.widgets import emergence_runs as runs
from headwidgets.widgets.emergence_look import LATEST, read_step

if TYPE_CHECKING:
    from headwidgets.widgets.emergence_state import EmergenceState

PROMPTS = 16
_SEED = 1


def nearest(there: list[int], step: int) -> int:
    """Return the step with weights that is nearest to one; of two, the later.

    Raises
    ------
    InputError
        If there are no weights.
    """
    if not there:
        message = "this run keeps no weights: train it again (copy as Python), then open that"
        raise InputError(message)
    return there[-1] if step == LATEST else min(there, key=lambda one: (abs(one - step), -one))


def session(state: EmergenceState, name: str, condition: str, step: int, head: str = "") -> Any:
    """Open a condition's model in a session, and remember that; clamps are not in it.

    Its prompts are sequences that ask for their first label, its metric is how far the right
    label leads the wrong one.

    Raises
    ------
    InputError
        If there is no such run, condition or step, or it keeps no weights.
    """
    import headwidgets as hw
    from headwidgets.labs import emergence as lab
    from headwidgets.labs.emergence.batch import generator

    asked = read_step(step)
    if name not in [*state.runs]:
        message = f"expected a run among {', '.join(state.runs)}, got {name!r:.80}"
        raise InputError(message)
    run = state.runs[name]
    at = nearest(runs.openable(run), asked)
    trained = run.trained(condition, at)
    called = f"{name}, {condition}, step {at}"
    made = hw.Session(lab.bridge(trained, name=called))
    batch = trained.data.draw(8 * PROMPTS, generator(_SEED))
    if batch.other.shape[1] == 1 and bool((batch.other >= 0).all()):
        first = (batch.shown < batch.other)[:, 0].nonzero().flatten()[:PROMPTS].tolist()
        rows = [batch.tokens[i].tolist() for i in first]
        right = [rows[j][int(batch.shown[i, 0])] for j, i in enumerate(first)]
        wrong = [rows[j][int(batch.other[i, 0])] for j, i in enumerate(first)]
        made.prompts = hw.Prompts(clean=rows, answer=right, foil=wrong)
    else:
        made.prompts = hw.Prompts(clean=[row.tolist() for row in batch.tokens[:PROMPTS]])
    if head:
        made.selection = head
    state.session = made
    held = runs.held(runs.clamps(run, condition), at)
    clamped = bool(held["held"] or held["others"] or held["head"] is not None)
    about = {"run": name, "condition": condition, "step": at, "clamped": clamped, "name": called}
    state.set_trait("opened", about)
    return made
