"""The emergence lab: a step beside a bare one, a live run, six clamps as one model.

The bare step is the same model as torch modules, one head layer after the other, with torch's own
Adam, on the same batches: what one would write first.
"""

from __future__ import annotations

import math
import sys

import torch
from _bench import Cost, Row, conclude, take_turns, timed  # first: it sets the threads
from torch import nn
from torch.nn import functional

from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence.batch import Stream

STEPS, ROUNDS = 100, 7
STEP, LIVE, SIX = 1.4, 15.0, 45.0


class Layer(nn.Module):
    """One layer of attention, written plainly."""

    def __init__(self, shape: lab.Shape) -> None:
        super().__init__()
        self.heads, self.width = shape.n_heads, shape.d_head
        self.norm = nn.LayerNorm(shape.d_model)
        size = shape.n_heads * shape.d_head
        self.qkv = nn.Linear(shape.d_model, 3 * size, bias=False)
        self.out = nn.Linear(size, shape.d_model, bias=False)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        """Add what the heads write."""
        n, length, _ = x.shape
        made = self.qkv(self.norm(x)).view(n, length, 3, self.heads, self.width)
        q, k, v = made.permute(2, 0, 3, 1, 4)
        q, k = (one * cos + turned(one) * sin for one in (q, k))
        scores = q @ k.transpose(-1, -2) * self.width**-0.5
        hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
        pattern = scores.masked_fill(hidden, -1e20).softmax(-1)
        return x + self.out((pattern @ v).transpose(1, 2).reshape(n, length, -1))


def turned(x: torch.Tensor) -> torch.Tensor:
    """Turn pairs by a right angle."""
    return torch.stack((-x[..., 1::2], x[..., 0::2]), -1).flatten(-2)


class Bare(nn.Module):
    """The paper's model as modules."""

    def __init__(self, shape: lab.Shape) -> None:
        super().__init__()
        self.embed = nn.Embedding(shape.n_labels, shape.d_model)
        self.project = nn.Linear(shape.n_features, shape.d_model)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.n_layers))
        self.norm = nn.LayerNorm(shape.d_model)
        self.unembed = nn.Linear(shape.d_model, shape.n_labels)
        rates = shape.base ** -(torch.arange(0, shape.d_head, 2) / shape.d_head)
        angles = torch.outer(torch.arange(5), rates).repeat_interleave(2, -1)
        self.cos, self.sin = angles.cos(), angles.sin()

    def forward(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return logits at the end, [sequence, label]."""
        shown, named = self.project(features), self.embed(labels)
        parts = [shown[:, 0], named[:, 0], shown[:, 1], named[:, 1], shown[:, 2]]
        x = torch.stack(parts, 1)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return self.unembed(self.norm(x[:, -1]))


def bare_steps(data: lab.Exemplars) -> None:
    """Train the bare model for some steps."""
    model = Bare(lab.Shape())
    adam = torch.optim.Adam(model.parameters(), lr=1e-4)
    stream, table = Stream(data, 32, 0), data.table()
    for step in range(STEPS):
        batch = stream.at(step)
        features = table[batch.tokens[:, [0, 2, 4]] - data.n_labels]
        loss = functional.cross_entropy(
            model(features, batch.tokens[:, [1, 3]]), batch.targets[:, 0]
        )
        adam.zero_grad()
        loss.backward()
        adam.step()


def lab_steps(data: lab.Exemplars) -> None:
    """Train the lab's model for as many, without measures."""
    lab.run(data, sequences=32 * STEPS, every=10**6, kept=0, progress=False, asked=8).train()


def main() -> int:
    """Measure, print, and say whether a bar was missed."""
    torch.set_num_threads(1)
    low, full = lab.low16(), lab.gauss()
    calls = {
        "bare": lambda: timed(lambda: bare_steps(low)),
        "lab": lambda: timed(lambda: lab_steps(low)),
    }
    costs = take_turns(calls, ROUNDS)
    long = {
        "live": lambda: timed(lambda: lab.run(low).train()),
        "six": lambda: timed(
            lambda: lab.six_clamps(
                full, sequences=50_000, progress=False, parts=["train"], kept=12
            ).train()
        ),
    }
    longest = take_turns(long, 2, warm=False)
    each = {name: f"{1e3 * cost.seconds / STEPS:.2f} ms a step" for name, cost in costs.items()}
    ratio = costs["lab"].cpu / costs["bare"].cpu
    rows = [
        Row("a bare step", (each["bare"], ""), math.nan),
        Row("a step of the lab", (each["lab"], f"{ratio:.2f} × the bare one"), ratio, STEP),
        _row("live run, low16, 60,000 sequences, all measures", longest["live"], LIVE),
        _row("six clamps as one model, gauss, 50,000 sequences", longest["six"], SIX),
    ]
    return conclude(["what", "time", "beside"], rows)


def _row(what: str, cost: Cost, bar: float) -> Row:
    return Row(
        what, (f"{cost.seconds:.1f} s", f"{cost.cpu:.1f} s of a processor"), cost.seconds, bar
    )


if __name__ == "__main__":
    sys.exit(main())
