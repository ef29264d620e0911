"""Surveys asked of a session: heads against tasks, scores over training, whether edits help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.heads import Head, parse_heads
from headwidgets.methods.apply import check_target
from headwidgets.methods.edits import Edit
from headwidgets.methods.neutral import read_neutral
from headwidgets.session.benchmark import benchmark, side_effects
from headwidgets.session.crossed import crossed, read_tasks
from headwidgets.session.steering import Steering
from headwidgets.taxonomy.over_training import over_training, read_checkpoints
from headwidgets.taxonomy.registry import find_several
from headwidgets.zoo.checkpoints import checkpoints as kept

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

BEST = 2
"""Heads of a kind that are looked at, at most."""


class Surveying(Steering):
    """What heads do across tasks, and what becomes of them."""

    def matrix(
        self,
        kinds: str | Iterable[str] | None,
        tasks: str | Iterable[str],
        *,
        heads: object = None,
        n: int = 100,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Tell what heads are worth on every task, and on every template of it.

        Parameters
        ----------
        kinds : str or iterable of str, or None
            Of `hw.kinds`. Of each the two heads with the highest score whose verdict is
            "consistent with", or else "candidate"; kinds that were not scored yet are. None: the
            heads in `heads` alone.
        tasks : str or iterable of str
            Of `hw.tasks`.
        heads : heads or a head, optional
            These besides.
        n, seed : int
            Prompts a task and split, and their seed.

        Returns
        -------
        DataFrame
            One row a task and head for all templates, then one a template; cost is what resampling
            the head takes from the logit difference, and between the share of the variance of the
            cost that lies between templates (how robust heads are to wording is an open question
            of the survey, Zheng et al. 2024, arXiv 2409.03752, section 7). See
            `headwidgets.session.crossed.crossed`; pivoted,
            ``frame[frame.template == "all"].pivot(index=["layer", "head"], columns="task",
            values="share")`` is the matrix. What was done before it is stopped is kept in
            ``s.frames["matrix"]``.

        Raises
        ------
        InputError
            If a kind, task or head is unknown, or there is none.
        NotMeasurable
            If no head is of these kinds.
        """
        wanted = read_tasks(tasks)
        names = [] if kinds is None else [kind.name for kind in find_several(kinds)]
        facts = self.facts
        chosen: dict[Head, list[str]] = {}
        for one in () if heads is None else parse_heads(heads):
            chosen[one.within(facts.n_layers, facts.n_heads)] = ["named"]
        if not names and not chosen:
            message = "expected kinds of heads, or heads=; got neither"
            raise InputError(message)
        for name in names:
            for head in self.best_heads(name, BEST):
                chosen.setdefault(head, []).append(name)
        if not chosen:
            message = f"no head of this model is even a candidate for {', '.join(names)}"
            raise NotMeasurable(message)
        asked = dict(sorted(chosen.items()))
        return self._find(
            "matrix", lambda _: crossed(self.engine, asked, wanted, n=n, seed=seed), weights=True
        )

    def over_training(
        self, kinds: str | Iterable[str], checkpoints: object = None, **options: Any
    ) -> pd.DataFrame:
        """Score every head on one checkpoint after another, on the same rows and prompts.

        Parameters
        ----------
        kinds : str or iterable of str
            Of `hw.kinds`.
        checkpoints : str, Path, or iterable of them, optional
            Default: the twenty of the bundled model's sibling, see `headwidgets.checkpoints`.
            A folder with a folder for each checkpoint, such as the ``--out`` of ``make model``;
            or a list of such folders, or of revisions of this session's model, such as
            ``["step512", "step1000"]`` of a Pythia model. The number in a name is its step.
        **options
            length, rows, seed, draws: as for `score`.

        Returns
        -------
        DataFrame
            One row a checkpoint, kind and head; see
            `headwidgets.taxonomy.over_training.over_training`, and `hw.curves` for a figure. The
            checkpoints that were done before it is stopped are kept in
            ``s.frames["over training"]``.

        Raises
        ------
        InputError
            If a kind or a checkpoint is unknown, there are fewer than two, or one has another
            shape than this session's model.
        """
        names = [kind.name for kind in find_several(kinds)]
        opened = getattr(self, "_opened", None) or {}
        own = opened.get("name")
        given = kept() if checkpoints is None else checkpoints
        asked = read_checkpoints(given, own)
        options = {"trust_remote_code": bool(opened.get("trust_remote_code")), **options}
        return self._find(
            "over training",
            lambda _: over_training(self.engine, names, asked, **options),
            weights=True,
        )

    def benchmark(
        self,
        tasks: str | Iterable[str],
        edits: object = None,
        *,
        n: int = 200,
        seed: int = 0,
        split: str = "test",
        neutral: object = None,
    ) -> pd.DataFrame:
        """Tell whether edits help or harm on tasks, and what they do to neutral text.

        Parameters
        ----------
        tasks : str or iterable of str
            Of `hw.tasks`.
        edits : edit, iterable of edits, or mapping of str to these, optional
            Such as ``{"suppressed": hw.zero("3.2"), "doubled": hw.scale("3.2", 2)}``; default: the
            session's own.
        n, seed, split
            Of the tasks' prompts; see `hw.task`.
        neutral : list of str or token ids, optional
            Texts that the edits should leave alone; default: ``s.reference``, else the session's
            own clean prompts.

        Returns
        -------
        DataFrame
            One row a set of edits and task: accuracy and logit difference without and with the
            edits, the change with its 95 % interval over pairs, and a verdict; see
            `headwidgets.session.benchmark.benchmark`. ``attrs["side_effects"]`` has one record a
            set of edits: KL and the rise of the loss a token on neutral text, with intervals;
            ``attrs["neutral"]`` says on which.

        Raises
        ------
        InputError
            If a task is unknown, there are no edits, or one cannot be made.
        """
        wanted = read_tasks(tasks)
        variants = self._variants(edits)

        def find_it(snapshot: Any) -> pd.DataFrame:
            texts, words = read_neutral(self.engine, snapshot, neutral)
            beside = side_effects(self.engine, snapshot, texts, variants)
            asked = self.engine, snapshot, wanted, variants
            frame = benchmark(*asked, n=n, seed=seed, split=split)
            frame.attrs["side_effects"] = beside.to_dict("records")
            frame.attrs["neutral"] = words
            return frame

        return self._find("benchmark", find_it, "mean")

    def _variants(self, edits: object) -> dict[str, tuple[Edit, ...]]:
        """Read sets of edits by name."""
        given = self.edits if edits is None else edits
        sets = given if isinstance(given, Mapping) and "kind" not in given else {"edited": given}
        out = {}
        for name, some in sets.items():
            listed = [some] if isinstance(some, Edit | dict) else some
            if isinstance(listed, str) or not hasattr(listed, "__iter__"):
                message = f"expected edits such as hw.zero('3.2'), got {listed!r:.80}"
                raise InputError(message)
            out[str(name)] = tuple(Edit.from_json(one) for one in listed)
            for edit in out[str(name)]:
                check_target(self.engine, edit)
        if not out or not all(out.values()):
            message = "there are no edits to judge: set s.edits, or pass edits=[hw.zero('3.2')]"
            raise InputError(message)
        return out
