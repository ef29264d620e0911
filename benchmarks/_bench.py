"""What the benchmarks share: measurements that take turns, their minima, and the bar."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# One thread everywhere, also in child processes; read when torch is first imported.
os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from report import table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True)
class Cost:
    """What one call took, in seconds: on the clock, and of a processor."""

    seconds: float
    cpu: float


@dataclass(frozen=True)
class Row:
    """One line of a table: a value, and the bar that it must not pass (None: for information)."""

    what: str
    shown: Sequence[object]
    value: float
    bar: float | None = None

    @property
    def missed(self) -> bool:
        """Whether the value is past its bar; what is no number is, too."""
        return self.bar is not None and not self.value <= self.bar

    @property
    def verdict(self) -> str:
        """The last cell of the line."""
        if self.bar is None:
            return "for information"
        return f"{'MISSED' if self.missed else 'kept'}: ≤ {self.bar:g}"


def timed(call: Callable[[], object]) -> Cost:
    """Time one call in this process."""
    start, cpu = time.perf_counter(), time.process_time()
    call()
    return Cost(time.perf_counter() - start, time.process_time() - cpu)


def take_turns(
    calls: Mapping[str, Callable[[], Cost]], rounds: int, *, warm: bool = True
) -> dict[str, Cost]:
    """Run all calls in turn, `rounds` times and once before to warm up; return the minima.

    Each round begins with another call, so that none always follows the same one. Calls of many
    minutes need no warming up (`warm`).
    """
    names = list(calls)
    seen: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(0 if warm else 1, rounds + 1):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            cost = calls[name]()
            if number:
                seen[name].append(cost)
    return {
        name: Cost(min(c.seconds for c in costs), min(c.cpu for c in costs))
        for name, costs in seen.items()
    }


def against(what: str, ours: Cost, theirs: Cost, bar: float | None) -> Row:
    """Compare two costs: both in milliseconds, the ratio on the clock, the ratio of a processor."""
    ratio = ours.seconds / theirs.seconds
    shown = [1e3 * ours.seconds, 1e3 * theirs.seconds, ratio, ours.cpu / theirs.cpu]
    row = Row(what, [round(number, 3) for number in shown], ratio, bar)
    print(f"{what}: {row.shown} {row.verdict}", file=sys.stderr, flush=True)  # may take an hour
    return row


def conclude(columns: Sequence[str], rows: Sequence[Row]) -> int:
    """Print the table; return the exit status, 1 if a bar was missed."""
    print(table([*columns, "bar"], [(row.what, *row.shown, row.verdict) for row in rows]))
    return int(any(row.missed for row in rows))
