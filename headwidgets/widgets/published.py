"""What was published of a model's heads, as a trait of what views look at.

Synced to the browser only, empty until a view needs it or where nothing was published, held once
for all views: published, ``{"model", "words", "facts"}``. Facts are rows by kind: head, value
(None where the source only names the head), and where in words its source, status, measure and
method stand. A hundred facts are some 5 kB.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import traitlets as t

if TYPE_CHECKING:
    from pandas import DataFrame

NAME = "published"
_WORDS = ("source", "status", "measure", "method")


class PublishedTraits(t.HasTraits):
    """What a model needs whose views show what was published of its heads."""

    published = t.Dict(read_only=True).tag(sync=True, echo_update=False)

    def need_published(self) -> None:
        """Hold what the atlas has of the model of this name, from now on."""
        from headwidgets.taxonomy.atlas import published  # loads torch

        if not self.published:
            model: Any = self.model  # type: ignore[attr-defined] # of the widget this is mixed into
            rows = published(str(model["name"]), int(model["n_layers"]), int(model["n_heads"]))
            self.set_trait(NAME, pack(rows))


def pack(rows: DataFrame) -> dict[str, Any]:
    """Write rows of the atlas, all of one model, as plain JSON; nothing, where there are none."""
    if not len(rows):
        return {}
    words: dict[str, int] = {}
    facts: dict[str, list[list[Any]]] = {}
    for row in rows.to_dict("records"):
        value = None if math.isnan(row["value"]) else row["value"]
        said = [words.setdefault(row[name], len(words)) for name in _WORDS]
        facts.setdefault(row["kind"], []).append([row["head"], value, *said])
    return {"model": rows["model"].iloc[0], "words": list(words), "facts": facts}


def heads(published: dict[str, Any]) -> list[str]:
    """Return the heads of which something was published, each once."""
    rows = [row for part in published.get("facts", {}).values() for row in part]
    return list(dict.fromkeys(row[0] for row in rows))
