"""Circuits, directions and probes, asked of a session: what is the circuit, what one does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headwidgets.methods import probes
from headwidgets.methods import strengths as steering
from headwidgets.methods.circuits import circuit
from headwidgets.methods.directions import find_direction
from headwidgets.session.code_asked import asked_of
from headwidgets.session.discovering import ON, Discovering
from headwidgets.session.probing import probed_set

if TYPE_CHECKING:
    import pandas as pd

    from headwidgets.methods.probes import Probes
    from headwidgets.methods.vector import Direction


class Steering(Discovering):
    """Circuits, directions, probes and strengths."""

    def circuit(self, heads: object, **options: Any) -> pd.DataFrame:
        """Ask whether some heads are the circuit: faithfulness, completeness, minimality.

        Parameters
        ----------
        heads : sequence of heads, or mapping of str to sequence of heads
            The circuit, or its classes by name; every other head is at its mean over
            ``s.reference``.
        **options
            subsets (how many random ones), seed, at.

        Returns
        -------
        DataFrame
            One row a number; of what is stopped, ``s.frames["circuit"]`` holds the prompts
            that are done. See `headwidgets.methods.circuits.circuit`.
        """
        found = circuit
        return self._find(
            "circuit",
            lambda s: found(self.engine, s, heads, **options),
            "mean",
            ("circuit", options),
        )

    def direction(self, target: object, how: str = "mean difference", **options: Any) -> Direction:
        """Find a direction in a head's z, an MLP's output or the residual stream.

        Parameters
        ----------
        target : head, ``"mlp 3"`` or ``"resid 5"``
        how : {"mean difference", "pca", "logistic", "unembedding", "given"}
        **options
            at, groups, vector, name.

        Returns
        -------
        Direction
            For `hw.add`, `hw.subtract` and `strengths`. See
            `headwidgets.methods.directions.find_direction`.
        """
        depends = {"given": ("weights",), "unembedding": ON}.get(str(how), ("prompts", "weights"))
        options = _held(options)
        with self._asking("direction") as snapshot:
            found = find_direction(self.engine, snapshot, target, how, **options)
            found.attrs["asked"] = asked_of("direction", {"how": how, **options}, found, snapshot)
            self._sign(found.attrs, snapshot, depends)
            return found

    def probe(self, labels: Any = None, how: str = "logistic", **options: Any) -> Probes:
        """Probe every head's z for a label of the prompts.

        Parameters
        ----------
        labels : sequence of bool, or str, optional
            One for each prompt of the set. The name of a task (`hw.tasks`): its prompts, the two
            sides being the answer, where all prompts share two, else the clean and the corrupted
            prompt. Default: the same of the session's own prompts.
        how : {"logistic", "mass mean"}
        **options
            at, groups, test, seed; n and split of a task that is named.

        Returns
        -------
        Probes
            ``.frame`` has one row a head, also in ``s.frames["probe"]``; ``.edit("3.1",
            strength=2)`` is an edit along a head's direction. See
            `headwidgets.methods.probes.probe`.
        """
        options = _held(options)
        with self._asking("probe") as snapshot:
            asked, given, depends = probed_set(self, snapshot, labels, options)
            found = probes.probe(self.engine, asked, given, how, **options)
            for direction in found.directions.values():
                self._sign(direction.attrs, snapshot, depends)
            frame = self._signed(found.frame, "probe", snapshot, depends)
            return probes.Probes(frame, found.directions)

    def strengths(
        self, direction: Direction, strengths: Any = steering.STRENGTHS, **options: Any
    ) -> pd.DataFrame:
        """Add a direction at several strengths: metric, flips, and the cost on neutral text.

        Parameters
        ----------
        direction : Direction
        strengths : sequence of float
            In standard deviations of the projection on the set.
        **options
            at, neutral (texts), draws (random directions), seed.

        Returns
        -------
        DataFrame
            One row a strength; what was done before it is stopped is kept in
            ``s.frames["strengths"]``. See `headwidgets.methods.strengths.strengths`.
        """
        found, options = steering.strengths, _held(options)
        return self._find(
            "strengths",
            lambda s: found(self.engine, s, direction, strengths, **options),
            "mean",
            ("strengths", {"direction": direction, **options}),
        )


def _held(options: dict[str, Any]) -> dict[str, Any]:
    """Hold what can be read only once, so that it can also be written."""
    return {
        k: list(value) if isinstance(value, Iterator) else value for k, value in options.items()
    }
