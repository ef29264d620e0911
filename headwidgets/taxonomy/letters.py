"""Letter heads: what the last token does with four options, each of which has a letter.

The categories are those of Lieberum et al. 2023, arXiv 2307.09458, found there by inspection; the
scores are proposals. Letters stand in permuted places, so that a letter and a place differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.ending import ending
from headwidgets.taxonomy.matched import contrast
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.shares import dependence, entropy, shares
from headwidgets.taxonomy.verdict import CANDIDATE, NO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

OPTIONS = "options"
LETTERS = ("A", "B", "C", "D")
CONTENTS = tuple(f"OPTION_{letter}" for letter in LETTERS)
ON_LETTERS = 0.3
"""Attention on the letters that a constant head must have."""
FOLLOWS = 0.2
"""Attention on the right letter above the others from which a head is no constant one."""
RAISES = 0.02
"""Share of the right letter's lead that a correct letter head must bring itself."""
WRITES = 0.02
"""Length of what a content gatherer writes, as a share of the stream's."""


def constant(measure: Measure) -> Scores:
    """Score even attention on the letters against four other places as far from one another."""
    task = measure.task(OPTIONS)
    looks, right = task.attention(*LETTERS), _right(task)
    rows = _even(looks) * (1 - dependence(looks, right))
    scores = _scores(task, rows, _elsewhere(measure, task))
    on_letters, follows = looks.sum(-1).mean(0), _of_right(contrast(looks), right).mean(0)
    contents = _even(task.attention(*CONTENTS)).mean(0)
    for head in scores.reaching(-np.inf):
        if on_letters[head] < ON_LETTERS:
            words = f"the letters get {on_letters[head]:.2f} of its attention"
            scores.remark(head, words, at_most=NO)
        if follows[head] >= FOLLOWS:
            words = f"the right letter gets {follows[head]:.2f} more than the others"
            scores.remark(head, words, at_most=NO)
        if contents[head] > scores.mean[head] / 2:
            words = f"what the options say gets as even a look ({contents[head]:.3f})"
            scores.remark(head, words, at_most=NO)
    return scores


def single_letter(measure: Measure) -> Scores:
    """Score attention on one favorite letter against letters permuted over their places."""
    task = measure.task(OPTIONS)
    looks, right = task.attention(*LETTERS), _right(task)
    above = contrast(looks)
    favorite = above.mean(0).argmax(-1)
    rows = np.take_along_axis(above, favorite[None, ..., None], axis=-1)[..., 0]
    scores = _scores(task, rows * (1 - dependence(looks, right)), _renamed(measure, looks, right))
    by_place = contrast(np.take_along_axis(looks, _order(task), axis=-1)).mean(0)
    for head in scores.reaching(-np.inf):
        place = int(by_place[head].argmax())
        if by_place[head][place] >= scores.mean[head]:
            words = (
                f"it follows the place, not the letter: the option in place {place + 1} gets "
                f"{by_place[head][place]:.2f} more than the others, whichever letter stands there"
            )
            scores.remark(head, words, at_most=NO)
        else:
            scores.remark(head, f"its letter is {LETTERS[favorite[head]]}")
    return scores


def correct_letter(measure: Measure) -> Scores:
    """Score attention on the right letter against letters drawn at random."""
    task = measure.task(OPTIONS)
    right = _right(task)
    scores = measure.labelled(task, contrast(task.attention(*LETTERS)), right)
    raised = _least(_of_right(_raised(task, right), right), right).mean(0)
    alone = np.stack([scores.per_row[right == letter].mean(0) for letter in np.unique(right)])
    for head in scores.reaching(-np.inf):
        letter = int(alone[:, *head].argmin())
        if alone[letter, *head] <= 0:
            name = LETTERS[np.unique(right)[letter]]
            words = f"where {name} is right, {name} gets no more than the others"
            scores.remark(head, f"{words} ({alone[letter, *head]:+.2f})", at_most=NO)
        words = f"brings at least {raised[head]:.0%} of the right letter's lead, whichever it is"
        scores.remark(head, words, at_most=CANDIDATE if raised[head] < RAISES else None)
    return scores


def content_gatherer(measure: Measure) -> Scores:
    """Score attention on what the right option says against options drawn at random."""
    task = measure.task(OPTIONS)
    scores = measure.labelled(task, contrast(task.attention(*CONTENTS)), _right(task))
    if reached := scores.reaching(measure.threshold):
        length = ending(measure, task, task.asked.options[0]).length.mean(0)
        for head in reached:
            words = f"what it writes is {length[head]:.0%} as long as the stream"
            scores.remark(head, words, at_most=CANDIDATE if length[head] < WRITES else None)
    return scores


def correct(measure: Measure) -> Scores:
    """Score what a head adds to the right letter, for the letter with the least."""
    task = measure.task(OPTIONS)
    right = _right(task)
    table = _raised(task, right)
    random = np.random.default_rng(measure.seed)
    null = np.stack([_lowest(table, random.permutation(right)) for _ in range(measure.draws)])
    values = _of_right(table, right)
    scores = _scores(task, _least(values, right), null)
    for head in scores.reaching(measure.threshold):
        each = [f"{LETTERS[k]} {values[right == k].mean(0)[head]:+.2f}" for k in np.unique(right)]
        scores.remark(head, f"where it is right: {', '.join(each)}")
    return scores


def _scores(task: OnTask, rows: Floats, null: Floats) -> Scores:
    return Scores(rows, null.astype(np.float32), task_accuracy=task.accuracy, words=task.words)


def _right(task: OnTask) -> Ints:
    """Which letter is right in each prompt."""
    pairs = zip(task.asked.options, task.asked.answer, strict=True)
    return np.array([options.index(answer) for options, answer in pairs])


def _order(task: OnTask) -> Ints:
    """Return the letters of each prompt in the order of their places, [prompt, 1, 1, place]."""
    rows = range(len(task.seen))
    starts = [[(task.asked.span(name, row) or (0, 0))[0] for name in LETTERS] for row in rows]
    return np.argsort(starts, axis=1)[:, None, None]


def _even(looks: Floats) -> Floats:
    """Attention on four places, times how evenly it is spread: [..., place] -> [...]."""
    found: Floats = looks.sum(-1) * entropy(shares(looks))
    return found


def _of_right(table: Floats, right: Ints) -> Floats:
    found: Floats = np.take_along_axis(table, right[:, None, None, None], axis=-1)[..., 0]
    return found


def _raised(task: OnTask, right: Ints) -> Floats:
    """Direct attribution to each letter above the others, in shares of the model's own lead.

    Raises
    ------
    NotMeasurable
        If the right letter has no lead.
    """
    logits = [one.logits[list(ids)] for one, ids in zip(task.seen, task.asked.options, strict=True)]
    lead = float(contrast(np.array(logits))[np.arange(len(right)), right].mean())
    if not lead > 0:
        message = f"the right letter's logit is {lead:+.2f} from the others': it has no lead"
        raise NotMeasurable(message)
    found: Floats = contrast(task.whole()[..., 2:]) / lead
    return found


def _lowest(table: Floats, right: Ints) -> Floats:
    """Mean where each letter is right, of the letter with the least: [layer, head]."""
    values = _of_right(table, right)
    means = [values[right == letter].mean(0) for letter in np.unique(right)]
    found: Floats = np.min(means, axis=0)
    return found


def _least(values: Floats, right: Ints) -> Floats:
    """Rows where that letter is right that has the least mean: [row, layer, head].

    As many as the rarest letter has; rows of the others are added up to so many, mean kept.
    """
    groups = [values[right == letter] for letter in np.unique(right)]
    n = min(map(len, groups))
    rows = np.stack(
        [
            np.stack([part.sum(0) for part in np.array_split(group, n)]) * (n / len(group))
            for group in groups
        ]
    )
    found: Floats = np.take_along_axis(rows, rows.mean(1).argmin(0)[None, None], axis=0)[0]
    return found


def _elsewhere(measure: Measure, task: OnTask) -> Floats:
    """Move the four places of each prompt at random, together, none onto a letter.

    How far it depends on the right letter is left out, which only raises it.
    """
    random = np.random.default_rng(measure.seed)
    total = np.zeros((measure.draws, *task.seen[0].attention.shape[:2]), dtype=np.float32)
    for row, seen in enumerate(task.seen):
        places = np.array([(task.asked.span(name, row) or (0, 0))[0] for name in LETTERS])
        first, last = measure.rows.first[0], len(task.asked.rows[row]) - 1
        shifts = [
            shift
            for shift in range(first - places.min(), last - places.max())
            if not set(places + shift) & set(places)
        ]
        if not shifts:
            message = "the prompts have no four other places as far from one another"
            raise NotMeasurable(message)
        moved = np.array([_even(seen.attention[:, :, 0, places + shift]) for shift in shifts])
        total += moved[random.integers(len(shifts), size=measure.draws)]
    total /= len(task.seen)
    return total


def _renamed(measure: Measure, looks: Floats, right: Ints) -> Floats:
    """Permute the letters of each prompt; the favorite is chosen again."""
    random = np.random.default_rng(measure.seed)
    letters = np.tile(np.arange(looks.shape[-1]), (len(looks), 1))
    out = np.empty((measure.draws, *looks.shape[1:3]), dtype=np.float32)
    for draw in range(measure.draws):
        order = random.permuted(letters, axis=1)[:, None, None]
        mixed = np.take_along_axis(looks, order, axis=-1)
        out[draw] = contrast(mixed.mean(0)).max(-1) * (1 - dependence(mixed, right))
    return out
