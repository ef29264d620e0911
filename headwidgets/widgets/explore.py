"""One widget with everything linked: the causal map of heads, attention, edits.

Synced: what `HeadGrid`, `Sweeper`, `Filters` and `Together` say; both ways tab. It mounts the
grid, the attention view and the edit panel in one root; their pictures belong to the session's
model, so that they are drawn once. The taxonomy and the succession lab are further tabs: their
code, and what they show, are sent when they are opened.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets as t

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.widgets import face, grid_face
from headwidgets.widgets.attention import AttentionView
from headwidgets.widgets.base import refuse_unknown
from headwidgets.widgets.grid import HeadGrid
from headwidgets.widgets.panel import PatchPanel
from headwidgets.widgets.succession_lab import SuccessionLab
from headwidgets.widgets.sweeper import Sweeper
from headwidgets.widgets.taxonomy_view import Filters, TaxonomyView, Together

if TYPE_CHECKING:
    from headwidgets.session import Session

PRODUCTS = ("panel", "map", "thumbs", "effect")
NOISE = 1e-9
"""What is smaller is rounding: no head is chosen for it."""
SMALL = 13_000
"""Bytes of the static face that every display carries."""
_OPENING = ("device", "dtype", "numerics", "revision", "prepend_bos", "trust_remote_code")


class Explorer(Sweeper, Filters, Together, HeadGrid):
    """A session's heads, the selected head's attention, and edits, in one linked widget.

    Parameters
    ----------
    session : Session
    score : str or DataFrame, optional
        What the grid shows first, see `HeadGrid`. By default the causal map (``"patch"``)
        where every prompt has an aligned partner, else ``"induction"``.
    **options
        Those of `HeadGrid`.

    Attributes
    ----------
    of : Session
    tab : {"heads", "kinds", "succession"}
        What is shown: heads with their attention and edits, the kinds of head, or the succession
        lab.
    """

    view = t.Unicode("explore", read_only=True).tag(sync=True)
    off = t.List(t.Dict()).tag(sync=True)  # the panel's own
    continued = t.Dict().tag(sync=True)
    tab = t.Enum(("heads", "kinds", "succession"), "heads").tag(sync=True)
    OPENS: ClassVar[tuple[str, ...]] = ("taxonomy", "succession")
    BROWSER_S: ClassVar[tuple[str, ...]] = (
        *("tab", *HeadGrid.BROWSER_S),
        *(*PatchPanel.BROWSER_S, *TaxonomyView.BROWSER_S),
    )
    MIRRORED: ClassVar[tuple[str, ...]] = tuple(
        dict.fromkeys(
            name
            for part in (HeadGrid, AttentionView, PatchPanel, TaxonomyView, SuccessionLab)
            for name in part.MIRRORED
        )
    )

    def __init__(self, session: Any, score: Any = None, **options: Any) -> None:
        if not hasattr(session, "engine"):
            message = (
                f"expected a session to explore, got {type(session).__name__}: s.explore(), or "
                "hw.explore('gpt2', table)"
            )
            raise InputError(message)
        causal = score is None and _aligned(session)
        super().__init__(session, "patch" if causal else score, **options)
        if causal or session.selection is None:
            best = top_head(self)
            session.selection = best or session.selection
        session.state.want(self, *PRODUCTS)

    @property
    def of(self) -> Session:
        """The session that is explored."""
        session: Session = self._of
        return session

    @t.observe("tab")
    def _opened(self, change: t.Bunch) -> None:
        """Have what a tab shows sent when it is first looked at; the lab asks for its scores."""
        if change.new == "kinds":
            self.session.need_kinds()
            self.session.need_code("taxonomy")
        if change.new == "succession":
            self.session.need_code("succession")

    def _png(self) -> bytes:
        below = len(face.LEVELS) - 1
        return grid_face.stacked(
            self, lambda level: face.drawn(self.session, min(level + 1, below)), SMALL
        )

    def _picture(self) -> bytes:
        return grid_face.stacked(self, lambda level: face.drawn(self.session, level), most=None)


def explore(model: Any = None, table: Any = None, **options: Any) -> Explorer:
    """Open a model on a table and explore its heads.

    Parameters
    ----------
    model : Session, str, Path or TransformerBridge, optional
        A session, or what `Session` opens; None: the bundled model.
    table : DataFrame, dict, str, Path or list, optional
        Prompts with the columns clean, corrupted, answer, foil (a path: a CSV or TSV
        file, UTF-8), or a list of texts. The causal map of heads is there at once, and
        its strongest head is selected.
    **options
        Those of `Session`: device, dtype, numerics …

    Returns
    -------
    Explorer
        Its session is ``.of``.

    Raises
    ------
    InputError
        If the table cannot be read, or a keyword is unknown.
    """
    from headwidgets.session import Session

    unknown = [name for name in options if name not in _OPENING]
    refuse_unknown("explore", unknown, ("model", "table", *_OPENING))
    prompts = None if table is None else read_table(table)
    if isinstance(model, Session):
        if options:
            message = f"a session is open already: it takes no {', '.join(options)} any more"
            raise InputError(message)
        session = model
    else:
        session = Session(model, **options)
    if prompts is not None:
        session.use(prompts)
    return Explorer(session)


def read_table(table: Any) -> Any:
    """Return prompts; a path is read as a CSV file.

    Raises
    ------
    InputError
        If there is no such file, or it is not a table of prompts.
    """
    from headwidgets.prompts import Prompts

    is_path = isinstance(table, Path) or (
        isinstance(table, str) and (table.lower().endswith((".csv", ".tsv")) or _is_file(table))
    )
    if not is_path:
        return Prompts.read(table)
    import pandas as pd

    try:
        text = Path(table).read_text(encoding="utf-8-sig")
        # Text as it stands: " 1" is not 1, "NA" is a word.
        frame = pd.read_csv(
            StringIO(text), sep=_separator(text), dtype=str, keep_default_na=False, na_values=[""]
        )
    except UnicodeDecodeError as error:
        message = f"cannot read {str(table)!r}: it is not UTF-8 ({error}): save it as UTF-8"
        raise InputError(message) from error
    except FileNotFoundError as error:
        message = f"there is no file {str(table)!r}: expected a CSV with clean, corrupted, …"
        raise InputError(message) from error
    except (ValueError, OSError) as error:
        message = f"cannot read {str(table)!r} as a CSV file: {error}"
        raise InputError(message) from error
    return Prompts.read(frame)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:  # longer than a name can be
        return False


def _separator(text: str) -> str:
    """Return what parts the columns of a table: tabs, or semicolons as some programs write."""
    header = text.lstrip().partition("\n")[0]
    return next((mark for mark in "\t;" if mark in header and "," not in header), ",")


def top_head(grid: HeadGrid) -> Head | None:
    """Return the head whose value is farthest from zero, if one is more than rounding."""
    table = grid.table
    values = np.abs(grid.values())
    values[~np.isfinite(values)] = -1.0
    if values.max() < NOISE:
        return None
    layers, heads = table["arrays"][0]["shape"][1:]
    return Head(*(int(i) for i in np.unravel_index(int(values.argmax()), (layers, heads))))


def _aligned(session: Session) -> bool:
    """Whether every prompt has a partner of its own length."""
    from headwidgets.methods.snapshot import unaligned

    return not any(unaligned(pair) for pair in session.snapshot().pairs)
