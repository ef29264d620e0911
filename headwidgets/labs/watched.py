"""A progress bar for the labs' long work, where whoever calls does not watch it already."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from headwidgets.model.work import Work, current, doing

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def watched(label: str) -> Iterator[None]:
    """Show how far the work in here is, once a wait gets long."""
    if current() is not None:
        yield
        return
    from headwidgets.session.progress import Bar  # the session's room loads the labs

    with Bar(label) as bar, doing(Work(bar)):
        yield
