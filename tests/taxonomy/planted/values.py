"""Keys and values, and needles, made: a head that looks at what is copied, and decoys."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from made_tasks import measuring, table
from planted.plant import Plant

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import retrieved
from headwidgets.taxonomy.asked import END, Asked
from headwidgets.taxonomy.on_task import OnTask
from headwidgets.taxonomy.seen import Seen

IS, HAS = 11, 12  # the word before every value; of two questions, one ends with it


def key_values(n=100):
    """Two to four statements [key, IS, value], the question [asked, IS] or [asked, HAS]."""
    random = np.random.default_rng(0)
    roles = {name: [] for name in retrieved._VALUES}
    rows, answers = [], []
    for turn in range(n):
        count = 2 + turn % 3
        at = turn // 3 % count
        keys, values = random.permutation(range(20, 60)), random.permutation(range(60, 99))
        row = [0]
        for one in range(count):
            row += [int(keys[one]), IS, int(values[one])]
        others = [3 + 3 * one for one in range(count) if one != at]
        places = [3 + 3 * at, *others, *[None] * (4 - count)]
        for name, place in zip(retrieved._VALUES, places, strict=True):
            roles[name].append(place)
        rows.append((*row, int(keys[at]), IS if turn % 2 else HAS))
        answers.append(int(values[at]))
    prompts = SimpleNamespace(name="Key and value, made", roles=roles, spans={}, chance=1 / 3)
    return Asked(prompts, tuple(rows), tuple(answers), (1,) * n, ())


def needles(n=40):
    """One number among other words, at any depth of rows of three lengths."""
    random = np.random.default_rng(1)
    rows, places = [], []
    for turn in range(n):
        length = (20, 40, 60)[turn % 3]
        places.append(int(random.integers(2, length - 5)))
        row = [0, *random.integers(20, 90, size=length - 1)]
        row[places[-1]] = 100 + turn
        rows.append(tuple(int(one) for one in row))
    prompts = SimpleNamespace(name="Needle, made", roles={"NUMBER": places}, spans={}, chance=0.01)
    return Asked(prompts, tuple(rows), tuple(row[p] for row, p in zip(rows, places)), (1,) * n, ())  # noqa: B905 - as many


def answer_place(asked, row):
    return asked.rows[row].index(asked.answer[row])


def last_value(asked, row):
    return len(asked.rows[row]) - 3


def right(asked, row):
    return answer_place(asked, row)


def by_induction(asked, row):
    return answer_place(asked, row) if asked.rows[row][-1] == IS else last_value(asked, row)


def key(asked, row):
    return answer_place(asked, row) - 2


def asked_key(asked, row):
    return len(asked.rows[row]) - 2


def first_value(*_):
    return 3


def five_back(asked, row):
    return len(asked.rows[row]) - 5


HEADS = [
    [(right, 0.8), (last_value, 0.8), (by_induction, 0.8), (first_value, 0.8)],
    [(key, 0.8), (asked_key, 0.8), (right, 0.03), (five_back, 0.8)],
]
"""Where each looks most, and with how much of its attention."""


def seen_by(asked, *, heads=None, noise=0.0, seed=0, says=lambda _: True):
    """Attention of `heads`, the rest on BOS; the model is right where `says`."""
    random = np.random.default_rng(seed)
    out = []
    for row, ids in enumerate(asked.rows):
        attention = np.zeros((2, 4, 1, len(ids)), np.float32)
        for layer, some in enumerate(heads or HEADS):
            for head, (rule, share) in enumerate(some):
                place = rule(asked, row)
                if random.random() < noise:
                    place = int(random.integers(1, len(ids)))
                attention[layer, head, 0, place] = share
                attention[layer, head, 0, 0] += 1 - share
        logits = np.zeros(200)
        logits[asked.answer[row] if says(row) else 7] = 1
        out.append(Seen(attention, np.zeros((2, 4, 1, len(ids), 0)), logits))
    return tuple(out)


def no_needles(*_, **__):
    """Stand for a tokenizer that cannot spell them."""
    message = "numbers are no single tokens here"
    raise NotMeasurable(message)


def scored(seed, noise, *, proved=False, draws=999):
    """Return how the heads score on keys and values."""
    asked = key_values()
    task = OnTask(asked, seen_by(asked, noise=noise, seed=seed), (END,), 0.9)
    with patch.object(retrieved, "ask", no_needles):
        return table(measuring("key value", task, draws=draws, seed=seed), "retrieval")


DOES = {
    f"{layer}.{number}": rule.__name__.replace("_", " ") + (" hardly" if share < 0.1 else "")
    for layer, some in enumerate(HEADS)
    for number, (rule, share) in enumerate(some)
}
PLANTS = [Plant("retrieval", "0.0", DOES, scored)]
