"""What the tests of tasks share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def _small_batches():
    """Spell as many as are asked for, not 256."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headwidgets.tasks.make._AT_ONCE", 50)
        yield
