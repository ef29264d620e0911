"""What a session's state says, as traits.

Synced both ways: prompt, corrupted_prompt, index, metric, edits, selection.
Synced to the browser only: n_prompts, model, tokens, revision, status, message, progress.
Never synced: value (a snapshot of the rest, for Python's ``interactive_output``).
"""

from __future__ import annotations

import traitlets as t

from headwidgets.methods.edits import TOGGLES


class SessionTraits(t.HasTraits):
    """The traits of a session's state.

    Attributes
    ----------
    prompt, corrupted_prompt : str or list of int
        The pair on screen, text or token ids; the second may be None.
    index, n_prompts : int
        Which pair of the set is on screen, and how many there are.
    selection : str
        The selected head, ``"4.11"``, or nothing.
    edit_kind : {"mean", "zero", "patch", "scale"}
        The kind of edit that a toggle makes, in every view.
    edits, metric : list of dict, dict or None
        As ``to_json`` writes them.
    tokens : list of str
    model : dict
        Facts: name, numerics, n_layers, n_heads and so on.
    revision : int
        Grows with each change that makes numbers stale; set last.
    status : str
        ``"ready"``, ``"busy"`` or ``"error"``; `message` and `progress` (0 to 1) say more.
    value : dict
        All of these but the last three.
    """

    index = t.Int(0, min=0).tag(sync=True)
    prompt = t.Union([t.Unicode(), t.List(t.Int())], default_value="").tag(sync=True)
    corrupted_prompt = t.Union(
        [t.Unicode(), t.List(t.Int())], allow_none=True, default_value=None
    ).tag(sync=True)
    metric = t.Dict(allow_none=True, default_value=None).tag(sync=True)
    edits = t.List(t.Dict()).tag(sync=True)
    selection = t.Unicode("").tag(sync=True)
    edit_kind = t.Enum(TOGGLES, "mean").tag(sync=True)
    n_prompts = t.Int(0, read_only=True).tag(sync=True)
    model = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    tokens = t.List(t.Unicode(), read_only=True).tag(sync=True, echo_update=False)
    status = t.Enum(("ready", "busy", "error"), "ready", read_only=True).tag(sync=True)
    message = t.Unicode("", read_only=True).tag(sync=True)
    progress = t.Float(0.0, read_only=True).tag(sync=True)
    revision = t.Int(0, read_only=True).tag(sync=True)
    value = t.Dict(read_only=True)
