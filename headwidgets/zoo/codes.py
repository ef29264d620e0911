"""Sign codes that barely overlap, so that 512 tokens fit into 64 dimensions.

The Kerdock code (Kerdock 1972; MacWilliams and Sloane, *The Theory of Error-Correcting Codes*,
chapter 15, section 5): 512 sign vectors of length 64, of which any two overlap by 0 or ±1/8.
No 512 such vectors can do better (Welch's bound is 0.117, and overlaps go in steps of 1/32).
"""

from __future__ import annotations

import torch
from torch import Tensor

LENGTH = 64
OVERLAP = 1 / 8
_PERIOD = 31  # nonzero elements of the field with 32 elements, as powers of a root


def kerdock() -> Tensor:
    """Return 512 sign vectors, float32 [512, 64]; normalised overlaps are 0 or ±1/8.

    Row ``64 c + r`` is the r-th Walsh function times the c-th quadratic phase: functions of
    (x, e), x in the field with 32 elements and e a bit, with exponent of -1
    ``Tr((ax)^3 + (ax)^5) + e Tr(ax)`` for the phase and ``Tr(bx) + ce`` for the Walsh function.
    """
    powers = torch.arange(_PERIOD)
    trace = torch.tensor(_traces())
    none = torch.zeros(_PERIOD, dtype=torch.long)

    def function(without_e: Tensor, with_e: Tensor) -> Tensor:
        zero = torch.zeros(1, dtype=torch.long)  # the value at x = 0
        return torch.cat([zero, without_e, zero, with_e])

    def phase(a: int) -> Tensor:
        cubic = trace[3 * (powers + a) % _PERIOD] + trace[5 * (powers + a) % _PERIOD]
        return function(cubic, cubic + trace[(powers + a) % _PERIOD])

    linear = [none, *(trace[(powers + b) % _PERIOD] for b in range(_PERIOD))]
    bit = torch.arange(LENGTH) >= LENGTH // 2
    walsh = [function(f, f) + c * bit for f in linear for c in (0, 1)]
    phases = [function(none, none), *(phase(a) for a in range(7))]
    exponents = torch.stack([p + w for p in phases for w in walsh])
    return 1.0 - 2.0 * (exponents % 2).float()


def _traces() -> list[int]:
    """Traces of the powers of a root of x^5 + x^2 + 1 over the field with two elements."""
    trace = [1, 0, 0, 1, 0]
    while len(trace) < _PERIOD:
        trace.append(trace[-5] ^ trace[-3])
    return trace
