"""Clamps of a saved run: what a file cannot hold, arrays and other runs, is given again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwidgets.errors import InputError
from headwidgets.labs.emergence.clamping import read_clamps
from headwidgets.labs.emergence.clamps import Clamp

_Told = dict[str, list[dict[str, Any]]]


def saved_clamps(told: dict[str, Any], conditions: object = None) -> dict[str, Any]:
    """Return each condition's clamps as they were when a run was saved.

    Parameters
    ----------
    told : dict
        The settings of the file.
    conditions : mapping of str to clamps, optional
        As the run was made with, or as they were when it was saved.

    Raises
    ------
    InputError
        If a clamp was to an array or another run and is not given, or the conditions are others.
    """
    saved: dict[str, _Told] = told["conditions"]
    if conditions is None:
        return {name: _filled(one, {}) for name, one in saved.items()}
    if not isinstance(conditions, Mapping) or [*conditions] != [*saved]:
        came = [*conditions] if isinstance(conditions, Mapping) else conditions
        message = f"expected the conditions {[*saved]}, got {came!r:.200}"
        raise InputError(message)
    out = {}
    for name, one in conditions.items():
        given: dict[str, list[Clamp]] = {}
        for where, clamp in read_clamps(one):
            given.setdefault(where, []).append(clamp)
        known = [saved[name], *_before(told, name)]
        if not any(_alike(given, state) for state in known):
            message = (
                f"expected for {name!r} the clamps that the run was made or saved with "
                f"({_words(saved[name])}), got others: load it so, then switch by its clamp()"
            )
            raise InputError(message)
        out[name] = _filled(saved[name], given)
    return out


def _before(told: dict[str, Any], name: str) -> list[_Told]:
    """Return what a condition's clamps were before each switch."""
    return [one["before"][name] for one in told.get("switched", []) if name in one["before"]]


def _filled(saved: _Told, given: dict[str, list[Clamp]]) -> dict[str, list[Clamp]]:
    """Read saved clamps; those that are not in the file are taken from the given ones."""

    def read(where: str, one: dict[str, Any]) -> Clamp:
        if isinstance(one["given"], str):
            for clamp in given.get(where, []):
                if _key(clamp.to_json()) == _key(one):
                    return clamp
        return Clamp.from_json(one)

    return {where: [read(where, one) for one in many] for where, many in saved.items()}


def _alike(given: dict[str, list[Clamp]], state: _Told) -> bool:
    mine = {where: [_key(one.to_json()) for one in many] for where, many in given.items()}
    return mine == {where: [_key(one) for one in many] for where, many in state.items()}


def _key(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a clamp as told, whatever class its array is of."""
    return {**one, "given": "<>" if isinstance(one["given"], str) else one["given"]}


def _words(state: _Told) -> str:
    parts = [f"{where}: {one['kind']}" for where, many in state.items() for one in many]
    return ", ".join(parts) or "nothing clamped"
