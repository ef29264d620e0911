"""Four small models on which methods of discovery must agree, or must not: all known by hand.

| model | what it is for |
|---|---|
| `one_layer` | nothing reads what its heads write: effects are direct alone |
| `induction` | two heads in a row: the one acts through the keys of the other alone |
| `either`, `both` | OR and AND: noising and denoising must disagree, zero and mean may |

All are attention only and, but for one form of `one_layer`, without normalisation.
"""

from headwidgets.zoo.toys.gates import both, either
from headwidgets.zoo.toys.one_layer import one_layer
from headwidgets.zoo.toys.two_layers import induction

__all__ = ["both", "either", "induction", "one_layer"]
