"""What a run and a finished run are read by alike: conditions by name, measures as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from headwidgets.labs.emergence.history import History


class Readable:
    """The subclass has ``conditions`` and ``history``."""

    conditions: list[str]
    history: History

    def curves(self) -> pd.DataFrame:
        """Return losses and accuracies; see `History.curves`."""
        return self.history.curves()

    def heads(self) -> pd.DataFrame:
        """Return what heads do; see `History.heads`."""
        return self.history.heads()

    def composition(self) -> pd.DataFrame:
        """Return composition scores; see `History.composition`."""
        return self.history.composition()

    def _which(self, condition: str | None) -> int:
        """Return the place of a condition, the first by default."""
        if condition is None:
            return 0
        if condition not in self.conditions:
            message = f"expected a condition among {self.conditions}, got {condition!r:.80}"
            raise InputError(message)
        return self.conditions.index(condition)
